"""Reports: findings written out for people and for programs."""
