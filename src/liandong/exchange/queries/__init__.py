"""Every read of the room.  Each asks for the viewer; titles come out as the viewer sees them."""
