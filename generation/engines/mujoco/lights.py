"""The lights of a house, for a photometric renderer and for a classic one.

Exposure is fixed, so these intensities (tried on furnished rooms of 20 m2) give pictures without
blown-out whites or black shadows:

- Day: ambience 10,000 with ceiling (1.1, 1.05, 1.0), wall (0.95, 0.92, 0.86) and floor
  (0.8, 0.72, 0.62); one lamp of 110,000 (1, 0.93, 0.82) 0.25 m below the ceiling of every room;
  a sun of 70,000 (1, 0.95, 0.86) in the direction (-0.45, -0.8, -0.75) or so, through windows.
- Evening: ambience 4,500 with ceiling (1.1, 0.98, 0.82), wall (0.95, 0.84, 0.68) and floor
  (0.75, 0.62, 0.48); a lamp of 150,000 (1, 0.86, 0.66); no sun.

Useful ranges: ambience 4,000 to 14,000, lamps 60,000 to 160,000, sun 0 to 90,000. The floor's
colour in the ambience lights the ceiling. Surfaces that shine by themselves (sky, lamp shades)
have an emission of 0.3 (evening sky) to 1.
"""

from __future__ import annotations

import hashlib
from typing import Any

import mujoco

from generation.engines.mujoco.ibl import ambience_ktx
from generation.houses.house import House, Light

LAMP_CUTOFF_DEG = 85
LAMP_SOFTNESS = 0.6
LAMP_RANGE_M = 14.0
LAMP_RADIUS_M = 0.12
SUN_RADIUS = 0.05

FILAMENT_NUMBERS = {
    "shadows.map_size": 1024,
    "ao.enabled": 1,
    "ao.bent_normals": 0,
    "ao.ssct": 0,
    "bloom.enabled": 0,
    "cg.exposure": 0.8,
    "vignette.enabled": 0,
}
FILAMENT_TEXTS = {
    "shadows.type": "pcf",
    "ao.quality": "medium",
    "ao.low_pass_filter": "medium",
    # Mesa's software driver loses 1.5 MB of memory per frame with this, twice that with "medium".
    "ao.upsampling": "high",
    # Keeps hues: a thing that is called red looks red in any light.
    "cg.tone_mapping": "pbr_neutral",
}


def add_lights(spec: Any, house: House, *, photometric: bool) -> None:
    """Add the lights of a house, and how a photometric renderer treats light."""
    if photometric:
        _add_photometric(spec, house)
    else:
        _add_classic(spec, house)


def _add_photometric(spec: Any, house: House) -> None:
    for key, number in FILAMENT_NUMBERS.items():
        spec.add_numeric(name=f"filament.{key}", data=[float(number)], size=1)
    for key, text in FILAMENT_TEXTS.items():
        spec.add_text(name=f"filament.{key}", data=text)
    spec.visual.quality.shadowsize = FILAMENT_NUMBERS["shadows.map_size"]
    _add_ambience(spec, house)
    for light in house.lights:
        is_sun = light.kind == "sun"
        spec.worldbody.add_light(
            type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
            if is_sun
            else mujoco.mjtLightType.mjLIGHT_SPOT,
            pos=light.position_m,
            dir=light.direction,
            intensity=light.intensity,
            diffuse=light.rgb,
            castshadow=light.casts_shadow,
            cutoff=LAMP_CUTOFF_DEG,
            softness=LAMP_SOFTNESS,
            range=LAMP_RANGE_M,
            bulbradius=SUN_RADIUS if is_sun else LAMP_RADIUS_M,
        )


def _add_ambience(spec: Any, house: House) -> None:
    ktx = ambience_ktx(house.ambience)
    # MuJoCo keeps assets by name over models, so the name has to tell the content.
    name = f"ambience-{hashlib.sha256(ktx).hexdigest()[:16]}.ktx"
    spec.assets[name] = ktx
    spec.add_texture(
        name="ambience",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        file=name,
        content_type="image/ktx",
        nchannel=3,
    )
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_IMAGE,
        texture="ambience",
        intensity=house.ambience.intensity,
    )


CLASSIC_AMBIENT = 0.42
CLASSIC_LAMP = 0.45
CLASSIC_SUN = 0.4
CLASSIC_BOUNCE = 0.3
CLASSIC_SHADOW_PX = 2048


def _add_classic(spec: Any, house: House) -> None:
    """Add lights without units: the brightest of the house gets all that its kind may have."""
    spec.visual.quality.shadowsize = CLASSIC_SHADOW_PX
    ambience = house.ambience.wall_rgb
    spec.visual.headlight.ambient = [CLASSIC_AMBIENT * value for value in ambience]
    spec.visual.headlight.diffuse = (0.12,) * 3
    spec.visual.headlight.specular = (0.0,) * 3
    # What floors throw back, without which ceilings are dark.
    bounce = Light("sun", (0, 0, 0), (0, 0, 1), 1.0, house.ambience.floor_rgb, casts_shadow=False)
    _add_classic_light(spec, bounce, CLASSIC_BOUNCE)
    for kind, share in (("lamp", CLASSIC_LAMP), ("sun", CLASSIC_SUN)):
        lights = [light for light in house.lights if light.kind == kind]
        brightest = max((light.intensity for light in lights), default=0.0)
        for light in lights:
            if brightest > 0:
                _add_classic_light(spec, light, share * light.intensity / brightest)


def _add_classic_light(spec: Any, light: Light, strength: float) -> None:
    is_sun = light.kind == "sun"
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
        if is_sun
        else mujoco.mjtLightType.mjLIGHT_SPOT,
        pos=light.position_m,
        dir=light.direction,
        diffuse=[strength * value for value in light.rgb],
        ambient=(0.0,) * 3,
        specular=(0.1,) * 3,
        castshadow=light.casts_shadow,
        cutoff=LAMP_CUTOFF_DEG,
        exponent=1,
        attenuation=(1, 0, 0),
    )
