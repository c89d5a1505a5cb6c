"""Pages of opening review (开放审核): what is due, one record, many at once, publishing, periods."""
