"""How good the answers are, on the team's own questions, and a calibration made of them."""
