"""Draws one frame and checks it: `python -m generation.engines.mujoco.trial filament`."""

from __future__ import annotations

import math
import os
import sys

import mujoco
import numpy as np

from generation.engines.mujoco.renderer import open_untested
from generation.pose import Camera, Pose

CUBE = """
<mujoco>
  <worldbody>
    <light pos="-1 0 2" dir="1 0 -2" intensity="90000"/>
    <geom type="box" size=".2 .2 .2"/>
  </worldbody>
</mujoco>
"""


def main(renderer_name: str) -> None:
    """Look at a cube from 1 m.

    Raises:
        RuntimeError: The picture is not one of a cube.
    """
    renderer = open_untested(renderer_name, Camera(32, 32, math.pi / 2))
    model = mujoco.MjModel.from_xml_string(CUBE)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    renderer.load(model)
    renderer.update(data)
    pose = Pose(-1.2, 0, 0, 0)
    labels, colors = renderer.labels(pose), renderer.colors(pose)
    middle = abs(labels.depth_m[16, 16] - 1.0) < 0.01 and labels.geoms[16, 16] == 1
    border = np.isinf(labels.depth_m[0, 0]) and labels.geoms[0, 0] == 0
    if not middle or not border or colors[16, 16].max() <= colors[0, 0].max():
        raise RuntimeError("the first frame is wrong")
    renderer.close()


if __name__ == "__main__":
    main(sys.argv[1])
    # Some drivers fail while the interpreter shuts down, when all that matters has been done.
    sys.stdout.flush()
    os._exit(0)
