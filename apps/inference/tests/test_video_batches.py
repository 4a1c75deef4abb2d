"""Batches on videos: answers, tracks, the drawn video, kills, expiry, what is refused, and who may see them."""

import io
import json
from datetime import timedelta

import av
import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.core.jobs import expire_files
from apps.core.models import Job, Upload
from apps.inference import batch, services
from apps.inference.models import BatchAnswer, BatchVideo, Track
from apps.inference.tests.films import HEIGHT, SIDE, WIDTH, film, found_in, music
from apps.inference.videos import tracks as tracking
from conftest import upload

ADDRESS = "/api/v1/predictions/batch"


@pytest.fixture
def served(trained_model, monkeypatch):
    """Alice's model, answering by colour."""
    type(trained_model).objects.filter(pk=trained_model.pk).update(is_deployed=True, serving_file="models/colour.tar")
    monkeypatch.setattr(services, "predict", found_in)
    trained_model.refresh_from_db()
    return trained_model


@pytest.fixture
def start(served, api_as, alice, run_tasks_at_once, django_capture_on_commit_callbacks):
    """`start(video bytes, **data)`: alice starts a batch without tracks and drawing, which runs at once; its job."""

    def started(data=None, **asked):
        api = api_as(alice)
        asked = {"model_id": served.pk, "tracks": False, "draw": False, **asked}
        if data is not None:
            asked["video"] = upload("film.mp4", data)
        with django_capture_on_commit_callbacks(execute=True):
            answer = api.post(ADDRESS, asked, format="multipart")
        assert answer.status_code == 202, answer.content
        return api.get(f"/api/v1/jobs/{answer.json()['id']}").json()

    return started


@pytest.fixture
def results(api_as, alice):
    return lambda job: api_as(alice).get(f"{ADDRESS}/{job['id']}/results", {"page_size": 500}).json()["results"]


@pytest.mark.once
@pytest.mark.parametrize(
    ("codec", "format"),
    [("libx264", "mp4"), ("libx265", "mov"), ("libvpx-vp9", "webm"), ("libsvtav1", "matroska"), ("mjpeg", "avi")],
    ids=["h264", "hevc", "vp9", "av1", "mjpeg"],
)
def test_every_frame_is_answered_with_its_number_and_time(start, results, codec, format):
    job = start(film(6, codec, format))
    assert (job["status"], job["error"]) == ("completed", ""), job
    assert job["result"]["problems"] == []
    rows = results(job)
    assert [(row["frame"], row["time"]) for row in rows] == [(n, n / 10) for n in range(6)]
    assert [row["number"] for row in rows] == [1, 2, 3, 4, 5, 6]
    for row in rows:
        red, green = sorted(row["answer"]["predictions"], key=lambda one: one["class_id"])
        assert red["box"]["x1"] == pytest.approx(2 + 3 * row["frame"], abs=2)
        assert green["box"]["y2"] == pytest.approx(30 + SIDE, abs=2)


@pytest.mark.once
@pytest.mark.parametrize(
    ("asked", "frames"), [({"every": 4}, [0, 4, 8]), ({"fps": 5}, [0, 2, 4, 6, 8, 10]), ({"fps": 1000}, range(12))]
)
def test_only_the_frames_that_are_asked_for_are_answered(start, results, asked, frames):
    assert [row["frame"] for row in results(start(film(12), **asked))] == list(frames)


@pytest.mark.once
def test_times_are_the_videos_own_where_its_rate_varies(start, results):
    times = [0, 0.1, 0.5, 0.6, 2, 2.1]
    job = start(film(6, times=times))
    assert [row["time"] for row in results(job)] == times
    assert [row["frame"] for row in results(start(film(6, times=times), fps=2))] == [0, 2, 4]


@pytest.mark.once
@pytest.mark.parametrize(("turn", "corner"), [(90, (4, WIDTH - 2)), (180, (WIDTH - 2, HEIGHT - 4)), (270, (44, 2))])
def test_a_turned_video_is_answered_as_people_see_it(start, results, turn, corner):
    first = results(start(film(2, turn=turn)))[0]["answer"]
    size = (WIDTH, HEIGHT) if turn == 180 else (HEIGHT, WIDTH)
    assert (first["image"]["width"], first["image"]["height"]) == size
    box = next(one["box"] for one in first["predictions"] if one["class_id"] == 0)
    nearest = {"x": "x1" if turn == 90 else "x2", "y": "y1" if turn == 270 else "y2"}
    assert (box[nearest["x"]], box[nearest["y"]]) == pytest.approx(corner, abs=2)


def test_tracks_keep_their_ids_and_are_drawn_into_a_video(start, results, api_as, alice):
    job = start(film(12), tracks=True, draw=True)
    assert job["status"] == "completed", job["error"]
    assert job["result"]["figures"] == {"frames": 12, "objects": 24, "seconds": 1.1, "tracks": 2}
    ids = [{one["class_id"]: one["track_id"] for one in row["answer"]["predictions"]} for row in results(job)]
    assert ids == [ids[0]] * 12  # ByteTrack itself: no id changes
    api = api_as(alice)
    tracks = api.get(f"{ADDRESS}/{job['id']}/tracks").json()["results"]
    assert [(t["track_id"], t["first_frame"], t["last_time"], t["frames"]) for t in tracks] == [
        (1, 0, 1.1, 12), (2, 0, 1.1, 12)
    ]  # fmt: skip
    table = b"".join(api.get(f"{ADDRESS}/{job['id']}/tracks.csv").streaming_content).decode().splitlines()
    assert table[0].startswith("track_id,class_id,class_name,first_frame")
    assert len(table) == 3
    _check_drawn(api, job)
    _check_downloads(api, job, ids)


def _check_drawn(api, job):
    address = f"{ADDRESS}/{job['id']}/video"
    whole = api.get(address)
    data = b"".join(whole.streaming_content)
    assert (whole["Content-Type"], whole["Accept-Ranges"]) == ("video/mp4", "bytes")
    assert 'filename="film-boxes.mp4"' in whole["Content-Disposition"]
    part = api.get(address, headers={"Range": "bytes=100-199"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, data[100:200])
    with av.open(io.BytesIO(data)) as drawn:
        stream = drawn.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        frames = list(drawn.decode(stream))
    assert [round(frame.time, 3) for frame in frames] == [n / 10 for n in range(12)]
    assert (frames[0].width, frames[0].height) == (WIDTH * 8, HEIGHT * 8)  # a small video is enlarged
    pixels = frames[11].to_ndarray(format="rgb24").astype(int)
    trail = pixels[8 * 10, 8 * 20]  # where the red square came from
    assert trail.max() > 100


def _check_downloads(api, job, ids):
    lines = b"".join(api.get(f"{ADDRESS}/{job['id']}/results.ndjson").streaming_content).decode().splitlines()
    assert [json.loads(line)["frame"] for line in lines] == list(range(12))
    assert {one["track_id"] for one in json.loads(lines[5])["answer"]["predictions"]} == set(ids[0].values())
    coco = json.loads(b"".join(api.get(f"{ADDRESS}/{job['id']}/results.json").streaming_content))
    assert [(image["frame"], image["time"]) for image in coco["images"]] == [(n, n / 10) for n in range(12)]
    assert {row["track_id"] for row in coco["annotations"]} == {1, 2}


def test_objects_are_followed_and_drawn_unless_it_is_said_otherwise(served, api_as, alice):
    api = api_as(alice)
    for more, expected in (({}, (True, True)), ({"draw": "false"}, (True, False)), ({"tracks": "0"}, (False, True))):
        asked = {"model_id": served.pk, "video": upload("film.mp4", film(1)), **more}
        job = Job.objects.get(pk=api.post(ADDRESS, asked, format="multipart").json()["id"])
        assert (job.params["tracks"], job.params["draw"]) == expected


def test_what_was_found_over_time_is_kept(start):
    video = BatchVideo.objects.get(job_id=start(film(12))["id"])
    assert (video.width, video.height, video.codec, video.num_frames) == (WIDTH, HEIGHT, "h264", 12)
    assert video.timeline["classes"] == {"red": [1.0] * 12, "white": [1.0] * 12}
    assert len(video.timeline["seconds"]) == 12


def test_a_batch_on_a_video_that_was_killed_goes_on_behind_its_last_answer(start, monkeypatch):
    job = Job.objects.get(pk=start(film(12), every=2)["id"])
    before = list(job.answers.values("number", "frame", "seconds"))
    job.answers.filter(number__gt=2).delete()
    asked = []
    monkeypatch.setattr(services, "predict", lambda *args, **k: asked.append(1) or found_in(*args, **k))
    Job.objects.filter(pk=job.pk).update(status="pending", run_token="")
    from apps.inference.tasks import video as task

    task(job.pk)
    task(job.pk)  # a message that comes twice
    assert len(asked) == 4
    assert list(job.answers.values("number", "frame", "seconds")) == before
    assert BatchVideo.objects.filter(job=job).count() == 1


def test_tracks_that_were_half_stored_are_followed_anew(start):
    job = Job.objects.get(pk=start(film(8), tracks=True)["id"])
    before = list(job.answers.values_list("answer", flat=True))
    job.answers.update(answer={"predictions": []})  # as no run leaves it
    for row, answer in zip(job.answers.all(), before, strict=True):
        answer["predictions"][0].pop("track_id")
        BatchAnswer.objects.filter(pk=row.pk).update(answer=answer)
    Track.objects.filter(number=2).delete()
    Job.objects.filter(pk=job.pk).update(status="pending", run_token="")
    from apps.inference.tasks import video as task

    task(job.pk)
    assert sorted(job.tracks.values_list("number", "frames")) == [(1, 8), (2, 8)]
    assert all("track_id" in one for row in job.answers.all() for one in row.answer["predictions"])


def test_less_sure_boxes_are_followed_where_they_were_asked_for(start, monkeypatch):
    def unsure(*args, **options):
        found = found_in(*args, **options)
        return found.__class__(found.width, found.height, [box._replace(confidence=0.06) for box in found.boxes])

    monkeypatch.setattr(services, "predict", unsure)
    assert start(film(6), tracks=True, conf=0.05)["result"]["tracks"] == 2


@pytest.mark.once
def test_a_video_of_many_frames_is_decoded_and_drawn_within_its_memory(start):
    job = start(film(450), draw=True)  # what is kept of each frame would be too much at about 380
    assert (job["error"], job["result"]["figures"]["frames"]) == ("", 450)


@pytest.mark.once
def test_a_video_that_ends_early_is_answered_as_far_as_it_goes(start, results):
    whole = film(40, format="matroska", rate=10)
    job = start(whole[: len(whole) * 2 // 3])
    assert job["status"] == "completed", job["error"]
    assert 0 < len(results(job)) < 40


@pytest.mark.once
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (film(3)[:200], "cut off"),
        (b"\0\0\0\x20ftypisom" + bytes(5000), "no video that can be read"),
        (b"\x1a\x45\xdf\xa3" + b"x" * 5000, "no video that can be read"),
        (music(), "sound only"),
        (film(3, "mpeg2video", "matroska"), "coded as mpeg2video"),
    ],
    ids=["half", "zeros", "noise", "music", "old codec"],
)
def test_what_is_no_video_fails_in_words(start, data, words):
    job = start(data)
    assert (job["status"], job["error"].count("foresee")) == ("failed", 0)
    assert words in job["error"]
    assert not BatchAnswer.objects.exists()


def test_a_video_beyond_the_limits_is_refused(start, settings):
    settings.MAX_VIDEO_FRAMES = 5
    assert "about 6 frames would be answered; at most 5" in start(film(6))["error"]
    assert start(film(6), every=2)["status"] == "completed"
    settings.MAX_VIDEO_PIXELS = 1000
    assert f"{WIDTH} × {HEIGHT} pixels; at most 0.001 megapixels" in start(film(6))["error"]


@pytest.mark.once
def test_a_header_that_lies_about_its_length_is_no_harm(start, results):
    data = film(6)
    place = data.index(b"mvhd") + 4
    lie = data[: place + 16] + (2**31).to_bytes(4, "big") + data[place + 20 :]
    job = start(lie)
    assert job["status"] in ("completed", "failed")
    assert "foresee" not in job["error"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"video": b""}, "empty"), ({"video": b"no video at all"}, "no video: mp4, mov, mkv, webm"),
        ({"every": 0}, "whole number from 1"), ({"every": "x"}, "whole number"), ({"fps": 0}, "0.001 to 1000"),
        ({"fps": "nan"}, "0.001 to 1000"), ({"every": 2, "fps": 2}, "either `every` or `fps`"),
        ({"tracks": "perhaps"}, "boolean"), ({"conf": 7}, "to 1"), ({"video": "text"}, "not a file"),
        ({"dataset_id": 1}, "Send one of"),
    ],
    ids=range(11),
)  # fmt: skip
def test_nonsense_about_a_video_is_refused(served, api_as, alice, asked, words):
    asked = {"model_id": served.pk, "video": film(2), **asked}
    if isinstance(asked["video"], bytes):
        asked["video"] = upload("film.mp4", asked["video"])
    answer = api_as(alice).post(ADDRESS, asked, format="multipart")
    assert answer.status_code == 400, answer.content
    assert words in answer.content.decode()
    assert not Job.objects.filter(kind="batch").exists()


def test_too_large_a_video_is_refused(served, api_as, alice, settings):
    settings.MAX_ARCHIVE_BYTES = 100
    asked = {"model_id": served.pk, "video": upload("film.mp4", film(2))}
    assert api_as(alice).post(ADDRESS, asked, format="multipart").status_code == 413


def test_frames_cannot_be_chosen_of_images(served, api_as, alice):
    asked = {"model_id": served.pk, "images": [upload()], "every": 2}
    answer = api_as(alice).post(ADDRESS, asked, format="multipart")
    assert (answer.status_code, "Only a video" in answer.content.decode()) == (400, True)


def test_a_finished_upload_of_a_video_is_answered(start, results, alice):
    name = default_storage.save("jobs/in/film.mp4", upload("film.mp4", film(4)))
    sent = Upload.objects.create(
        owner=alice, filename="my film.mp4", size=1, file=name, expires_at=timezone.now() + timedelta(hours=1)
    )
    job = start(upload=str(sent.pk), every=2)
    assert [row["frame"] for row in results(job)] == [0, 2]


def test_answers_tracks_and_videos_go_when_their_time_is_over(start, api_as, alice):
    job = Job.objects.get(pk=start(film(4), tracks=True, draw=True)["id"])
    names = [job.upload.name, job.file.name]
    Job.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert batch.expire_answers() == 4
    expire_files()
    assert not any(default_storage.exists(name) for name in names)
    assert not Track.objects.exists()
    assert not BatchVideo.objects.exists()
    assert api_as(alice).get(f"{ADDRESS}/{job.pk}/video").status_code == 404


def test_a_video_that_expired_before_it_was_answered_fails_in_words(start, monkeypatch):
    job = Job.objects.get(pk=start(film(3))["id"])
    default_storage.delete(job.upload.name)
    Job.objects.filter(pk=job.pk).update(status="pending", run_token="")
    from apps.inference.tasks import video as task

    task(job.pk)
    job.refresh_from_db()
    assert (job.status, "has expired" in job.error_message) == ("failed", True)


def test_a_cancelled_batch_on_a_video_follows_nothing_more(start, monkeypatch):
    from apps.core import work

    job = Job.objects.get(pk=start(film(3))["id"])
    Job.objects.filter(pk=job.pk).update(status="pending", run_token="", params={**job.params, "tracks": True})
    really = tracking._write_boxes

    def cancelled(job, folder, report):
        found = really(job, folder, report)
        work.cancel(job)
        report.check.__self__._heartbeat.lost.set()  # as its next beat finds
        return found

    monkeypatch.setattr(tracking, "_write_boxes", cancelled)
    from apps.inference.tasks import video as task

    task(job.pk)
    job.refresh_from_db()
    assert (job.status, job.answers.count(), job.tracks.count()) == ("cancelled", 3, 0)


def test_a_batch_on_a_video_is_its_owners_alone(start, api_as, page_as, bob, carol, served):
    job = start(film(3))
    type(served).objects.update(is_public=True)
    for other in (bob, carol):
        for path in ("results", "results.ndjson", "results.json", "tracks", "tracks.csv", "video", "images/1"):
            assert api_as(other).get(f"{ADDRESS}/{job['id']}/{path}").status_code == 404
        assert page_as(other).get(f"/predictions/{job['id']}").status_code == 404


def test_a_frame_is_no_picture_of_its_own_and_an_undrawn_video_is_none(start, api_as, alice):
    job = start(film(3))
    for path in ("images/1", "video"):
        assert api_as(alice).get(f"{ADDRESS}/{job['id']}/{path}").status_code == 404


def test_a_video_is_sent_and_looked_through_on_its_pages(
    served, page_as, alice, run_tasks_at_once, django_capture_on_commit_callbacks, django_assert_max_num_queries
):  # fmt: skip
    page, address = page_as(alice), f"/models/{served.pk}/batch"
    film_file = upload("my film.mp4", film(8))
    assert b"not several kinds at once" in page.post(address, {"files": [film_file, upload()]}).content
    assert b"greater than or equal to 1" in page.post(address, {"files": [upload("a", film(1))], "every": "0"}).content
    both = page.post(address, {"files": [upload("a.mp4", film(1))], "every": "2", "fps": "2"}).content
    assert b"Give either every n-th frame, or frames a second" in both
    film_file.seek(0)
    with django_capture_on_commit_callbacks(execute=True):
        sent = page.post(address, {"files": [film_file], "every": "2", "tracks": "on", "draw": "on"})
    with django_assert_max_num_queries(11):
        shown = page.get(sent["Location"]).content.decode()
    assert (shown.count('class="video-frame"'), shown.count('class="track-color"')) == (4, 2)
    assert f'src="/api/v1/predictions/batch/{Job.objects.filter(kind="batch").last().pk}/video"' in shown
    assert "one frame in 2 answered" in shown
    part = page.get(sent["Location"] + "?order=longest", headers={"HX-Request": "true", "HX-Target": "tracks"})
    assert part.content.decode().lstrip().startswith('<section class="card" id="tracks">')
    with django_capture_on_commit_callbacks(execute=True):
        sampled = page.post(address, {"files": [upload("my film.mp4", film(8))], "fps": "2.5"})
    assert "2.5 frames a second answered" in page.get(sampled["Location"]).content.decode()
    for query in ("?show=wrong", "?order=wrong"):
        assert page.get(sent["Location"] + query).status_code == 404
    ended = page.get(sent["Location"], headers={"HX-Request": "true", "HX-Target": "batch"})
    assert ended["HX-Refresh"] == "true"


def test_a_page_says_why_a_video_was_not_answered(
    served, page_as, alice, run_tasks_at_once, django_capture_on_commit_callbacks
):  # fmt: skip
    page, address = page_as(alice), f"/models/{served.pk}/batch"
    with django_capture_on_commit_callbacks(execute=True):
        sent = page.post(address, {"files": [upload("song.mp4", music())]})
    shown = page.get(sent["Location"]).content.decode()
    assert "sound only" in shown
    assert "data-player" not in shown
    gone = page.post(address, {"upload": "5e9e3a4c-7d8e-4d3e-8a8e-0d5b8b8f3b11"})
    assert b"no such upload" in gone.content
