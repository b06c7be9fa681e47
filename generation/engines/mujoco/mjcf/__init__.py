"""A folder of MJCF scenes as a house source: `sat-generate run --houses FOLDER`.

files.py finds the scenes and their splits, names.py says what their bodies are called, geoms.py
turns geoms into meshes, building.py finds floors and walls, source.py puts a house together.
"""
