"""The BOSS simulator: a province whose customers use, pay, complain and leave; nightly files and a real-time feed."""
