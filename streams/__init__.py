"""From a camera, a file or a folder of pictures to frames with a capture time."""
