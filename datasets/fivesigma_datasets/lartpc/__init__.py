"""Label every pixel of liquid-argon images: the built-in challenges lartpc and lartpc-3d."""
