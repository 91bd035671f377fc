"""An emulator of Earth Engine that evaluates expressions at metadata level."""
