export function mount(_host: HTMLElement): void {}
