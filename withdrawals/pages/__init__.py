"""What the pages show, put together by the reader's rights: facts in, no HTML out."""
