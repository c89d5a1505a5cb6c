"""The closed loop (闭环事项): what is to be done, from discovery to the filed record."""
