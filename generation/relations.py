"""Pure geometry of what is seen, and every threshold that decides whether a question is clear.

A relation is True, False, or None where the margin is not met: then nobody is asked. Shares of
the picture are used in place of pixels, so that all picture sizes follow the same rules.
"""

from __future__ import annotations

import math

from generation.pose import Array, Pose, wrap_rad
from generation.sight import Sight

# Seen at all: smaller shares of the picture go unnoticed.
MIN_SEEN_AREA_SHARE = 1e-4

# Recognised: a person can say what it is.
MIN_RECOGNISED_AREA_SHARE = 0.002
MIN_RECOGNISED_IN_FRAME_SHARE = 0.5
MIN_RECOGNISED_UNOCCLUDED_SHARE = 0.45

# Clear: may be asked about.
MIN_CLEAR_AREA_SHARE = 0.003
MIN_CLEAR_SIDE_SHARE = 0.035
MIN_CLEAR_IN_FRAME_SHARE = 0.97
MIN_CLEAR_UNOCCLUDED_SHARE = 0.7

# Marked with a dot: larger, so that the dot does not hide it.
MIN_MARKED_AREA_SHARE = 0.005
MIN_MARK_GAP_RADII = 3.0

# Left and right in the picture.
MIN_SIDE_GAP_SHARE = 0.08
MAX_SIDE_OVERLAP_SHARE = 0.2

# Above and below.
MIN_HEIGHT_GAP_M = 0.3
MIN_HEIGHT_GAP_SHARE = 0.06

# In front and behind: nearly in one line with the camera, and clearly apart along it.
MIN_FRONT_GAP_M = 0.5
MIN_FRONT_OVERLAP_SHARE = 0.3

# Nearer and farther.
MIN_DEPTH_GAP_M = 0.5
MIN_DEPTH_RATIO = 1.25
MIN_DISTANCE_GAP_M = 0.5
MIN_DISTANCE_RATIO = 1.5
MIN_APPROACH_M = 0.3
MIN_APPROACH_RATIO = 1.3
"""Of distances from two places on the floor, which are hard to judge."""

# Directions.
MIN_SIDE_BEARING_RAD = math.radians(8)
"""An object this far off the middle is clearly on one side of the picture."""
MAX_CENTER_DOUBT_RAD = math.radians(4)
"""The middle of what is seen of an object and the middle of its box agree this well."""
OUT_OF_VIEW_MARGIN_RAD = math.radians(3)


def is_seen(sight: Sight) -> bool:
    """Say whether somebody could notice the object at all."""
    return sight.area_share >= MIN_SEEN_AREA_SHARE


def is_recognised(sight: Sight) -> bool:
    """Say whether a person could tell what it is."""
    return (
        sight.area_share >= MIN_RECOGNISED_AREA_SHARE
        and sight.in_frame_share >= MIN_RECOGNISED_IN_FRAME_SHARE
        and sight.unoccluded_share >= MIN_RECOGNISED_UNOCCLUDED_SHARE
    )


def is_clear(sight: Sight) -> bool:
    """Say whether the object is whole and large enough in the picture to be asked about."""
    return (
        sight.area_share >= MIN_CLEAR_AREA_SHARE
        and sight.side_share >= MIN_CLEAR_SIDE_SHARE
        and sight.in_frame_share >= MIN_CLEAR_IN_FRAME_SHARE
        and sight.unoccluded_share >= MIN_CLEAR_UNOCCLUDED_SHARE
        and not sight.touches_border
    )


def _overlap_share(a_low: float, a_high: float, b_low: float, b_high: float) -> float:
    """Return how much of the shorter of two intervals lies in the other."""
    common = min(a_high, b_high) - max(a_low, b_low)
    return max(0.0, common) / max(min(a_high - a_low, b_high - b_low), 1e-9)


def column_overlap_share(a: Sight, b: Sight) -> float:
    """Return the overlap of the columns of two objects, as a share of the narrower."""
    return _overlap_share(a.box_px[0], a.box_px[2], b.box_px[0], b.box_px[2])


def left_of(a: Sight, b: Sight) -> bool | None:
    """Say whether a is to the left of b in the picture."""
    gap_share = (b.center_px[0] - a.center_px[0]) / a.picture_px[0]
    if abs(gap_share) < MIN_SIDE_GAP_SHARE or column_overlap_share(a, b) > MAX_SIDE_OVERLAP_SHARE:
        return None
    return gap_share > 0


def above(a: Sight, b: Sight) -> bool | None:
    """Say whether a is above b, in the room and in the picture alike."""
    gap_share = (b.center_px[1] - a.center_px[1]) / a.picture_px[1]
    upper, lower = (a, b) if gap_share > 0 else (b, a)
    gap_m = upper.center_m[2] - lower.center_m[2]
    if abs(gap_share) < MIN_HEIGHT_GAP_SHARE or gap_m < MIN_HEIGHT_GAP_M:
        return None
    return gap_share > 0 if upper.low_m >= lower.high_m else None


def in_front_of(a: Sight, b: Sight) -> bool | None:
    """Say whether a is between the camera and b, rather than behind it."""
    front, back = (a, b) if a.distance_m < b.distance_m else (b, a)
    if back.distance_m - front.distance_m < MIN_FRONT_GAP_M or front.far_m > back.near_m:
        return None
    if column_overlap_share(a, b) < MIN_FRONT_OVERLAP_SHARE:
        return None
    return front is a


def nearer(a: Sight, b: Sight) -> bool | None:
    """Say whether a is nearer to the camera than b."""
    front, back = (a, b) if a.distance_m < b.distance_m else (b, a)
    gap_m = back.distance_m - front.distance_m
    if gap_m < MIN_DEPTH_GAP_M or back.distance_m < MIN_DEPTH_RATIO * front.distance_m:
        return None
    return front is a if front.far_m <= back.near_m else None


def nearer_to(a_m: float, b_m: float) -> bool | None:
    """Say whether a distance of a is less than one of b."""
    low_m, high_m = sorted((a_m, b_m))
    if high_m - low_m < MIN_DISTANCE_GAP_M or high_m < MIN_DISTANCE_RATIO * low_m:
        return None
    return a_m < b_m


def bearing_rad(pose: Pose, point_m: Array) -> float:
    """Return the direction of a point on the level, left of the heading positive."""
    offset_m = point_m - pose.position_m
    return wrap_rad(math.atan2(offset_m[1], offset_m[0]) - pose.yaw_rad)


def angle_at_rad(spot_m: Array, facing_m: Array, target_m: Array) -> float:
    """Return how far to the left of the line from a spot to a point another point lies."""
    to_facing, to_target = facing_m[:2] - spot_m[:2], target_m[:2] - spot_m[:2]
    return wrap_rad(math.atan2(to_target[1], to_target[0]) - math.atan2(to_facing[1], to_facing[0]))
