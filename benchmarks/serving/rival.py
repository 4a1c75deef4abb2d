"""A server as a user would write it by hand: `python benchmarks/serving/rival.py --weights --size --port`.

FastAPI with the `.pt`, or with a folder that ultralytics exported for OpenVINO. Needs what
benchmarks/requirements-bench.txt names. POST /predict takes the picture as the form's file `image`.
"""

import argparse
import threading

CONF = 0.25


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights")
    for name in ("--size", "--port", "--workers"):
        parser.add_argument(name, type=int, default=1)
    return parser.parse_args()


class Model:
    """YOLO, and its answer as plain lists."""

    def __init__(self, options):
        from ultralytics import YOLO

        self.yolo, self.size = YOLO(options.weights, task="detect"), options.size
        self.lock = threading.Lock()  # its predictor holds one image at a time

    def __call__(self, data):
        import cv2
        import numpy as np

        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        with self.lock:
            found = self.yolo.predict(pixels, imgsz=self.size, conf=CONF, device="cpu", verbose=False)[0]
        return {"predictions": found.boxes.data.tolist()}


def serve(options):
    import uvicorn
    from fastapi import FastAPI, UploadFile

    app, model = FastAPI(), Model(options)

    @app.post("/predict")
    def predict(image: UploadFile):
        return model(image.file.read())

    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="error")


if __name__ == "__main__":
    serve(read_options())
