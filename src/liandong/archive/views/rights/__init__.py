"""Pages of the rights of the person: asking, handling, consents, impact assessments."""
