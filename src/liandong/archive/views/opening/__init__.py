"""Pages of opening review (开放审核): due, one record, many at once, publishing, periods."""
