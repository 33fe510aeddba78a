"""Files to chunks of whole lines, across rotation, copies and compression."""
