"""Who is labelling where right now: one Redis hash a dataset, gone by itself when nobody is there."""

import json
import time

import redis

from apps.core.quick import shared_redis

ALIVE_SECONDS = 20


def seen(dataset_id, user, image_id):
    """Note that `user` is on an image (None: only in the dataset); returns the others as `[{username, image_id}]`.

    Presence is a courtesy: where Redis is away, nobody is seen, and labelling goes on.
    """
    key, now = f"presence:{dataset_id}", time.time()
    mine = json.dumps({"username": user.username, "image_id": image_id, "at": now})
    try:
        with shared_redis().pipeline() as pipe:
            pipe.hset(key, str(user.pk), mine)
            pipe.expire(key, ALIVE_SECONDS * 3)
            pipe.hgetall(key)
            everyone = pipe.execute()[2]
    except redis.RedisError:
        return []
    people = {int(pk): json.loads(raw) for pk, raw in everyone.items()}
    return [
        {"username": one["username"], "image_id": one["image_id"]}
        for pk, one in people.items()
        if pk != user.pk and now - one["at"] < ALIVE_SECONDS
    ]
