// Passkeys: asks the browser for a key and posts its answer with the form that stands here.
// data-mode is "add", "get" (options in data-props-id) or "sign-in" (options from the form's address).
import { readProps, send, wordsOf } from "../dom";

type Json = Record<string, unknown>;
type Options = { publicKey: Json };

const BYTES = new Set(["challenge", "id"]); // of what the server sends, in base64url

function toBytes(text: string): ArrayBuffer {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0)).buffer;
}

function toText(bytes: ArrayBuffer): string {
  const plain = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** The options with every challenge and id as bytes; `rp.id` is a name and stays. */
function fromServer(value: unknown, name = "", parent = ""): unknown {
  if (typeof value === "string") return BYTES.has(name) && parent !== "rp" ? toBytes(value) : value;
  if (Array.isArray(value)) return value.map((one) => fromServer(one, "", name));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fromServer(one, key, name)]));
}

function forServer(credential: PublicKeyCredential): Json {
  const { response } = credential;
  const parts: Json = { clientDataJSON: toText(response.clientDataJSON) };
  if (response instanceof AuthenticatorAttestationResponse) {
    parts["attestationObject"] = toText(response.attestationObject);
    parts["transports"] = response.getTransports();
  } else if (response instanceof AuthenticatorAssertionResponse) {
    parts["authenticatorData"] = toText(response.authenticatorData);
    parts["signature"] = toText(response.signature);
    parts["userHandle"] = response.userHandle ? toText(response.userHandle) : null;
  }
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response: parts,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function add(options: Options): Promise<Credential | null> {
  const publicKey = fromServer(options.publicKey) as PublicKeyCredentialCreationOptions;
  publicKey.authenticatorSelection = {
    ...publicKey.authenticatorSelection,
    residentKey: "required",
    requireResidentKey: true,
    userVerification: "required",
  };
  return navigator.credentials.create({ publicKey });
}

async function get(options: Options): Promise<Credential | null> {
  return navigator.credentials.get({ publicKey: fromServer(options.publicKey) as PublicKeyCredentialRequestOptions });
}

async function ask(form: HTMLFormElement): Promise<Credential | null> {
  const mode = form.dataset["mode"];
  if (mode === "add") return add(readProps<Options>(form));
  if (mode === "get") return get(readProps<Options>(form));
  const told = await send<{ request_options: Options }>("GET", form.action);
  return get(told.request_options);
}

/** A passkey belongs to a name over TLS (or to localhost), never to a bare address. */
function mayHavePasskeys(): boolean {
  return Boolean(window.PublicKeyCredential) && !/^[\d.]+$|:/.test(location.hostname);
}

export function mount(form: HTMLElement): void {
  if (!(form instanceof HTMLFormElement)) return;
  const word = wordsOf("passkey");
  const fault = form.querySelector<HTMLElement>("[role=alert]");
  const field = form.elements.namedItem("credential");
  if (!mayHavePasskeys() || !(field instanceof HTMLInputElement)) {
    if (fault && !form.hidden) show(word("missing"));
    return;
  }
  form.hidden = false;

  function show(text: string): void {
    if (!fault) return;
    fault.textContent = text;
    fault.hidden = false;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (fault) fault.hidden = true;
    ask(form).then(
      (credential) => {
        if (!(credential instanceof PublicKeyCredential)) return;
        field.value = JSON.stringify(forServer(credential));
        form.submit(); // past this listener
      },
      () => show(word("failed")),
    );
  });
}
