"""Opening review (开放审核): plan, propose, decide in three persons, settle, keep, publish.

Nothing is imported here: `correcting` needs `keeping`, and the steps need `correcting`.
"""
