"""Training and export of the detector (the train extra).

manifest    which pictures there are, what they may teach, and who may see them (split by camera)
synthetic   rendered plumes, flames, lights and haze laid over real pictures without smoke
sampler     one training crop: a picture, its references, its boxes
network     the YOLO with extra input channels, from three-channel weights
train       the loop: one thread, resumable, bounded by minutes
export      ONNX and OpenVINO files from a checkpoint
"""
