"""Rights of the person (个人信息权利): requests, matching by digest, consents, assessments."""
