"""The first page: is anything wrong, and what should this person do first."""
