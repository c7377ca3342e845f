"""The Chinese font that pictures are labelled with, cut down; its licence is OFL.txt."""
