"""Notices (提醒): what a person should know or do, told once, listed, and sent as digests.

Rooms call `services.tell`; the list `/me/notices/` shows what everyone was told, whatever room it
comes from, and one digest by mail or message at the hours that the person has chosen says the rest.
"""
