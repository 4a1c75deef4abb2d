"""LitServe with the `.pt`: `python benchmarks/serving/rival_litserve.py --weights --size --port --workers`."""

import litserve
from fastapi import Request
from rival import Model, read_options


class Detector(litserve.LitAPI):
    """A class of the module: LitServe's workers are processes that get it by pickle."""

    def __init__(self, options):
        super().__init__()
        self.options = options

    def setup(self, device):
        self.model = Model(self.options)

    def decode_request(self, request: Request):
        return request["image"].file.read()

    def predict(self, data):
        return self.model(data)

    def encode_response(self, answer):
        return answer


if __name__ == "__main__":
    options = read_options()
    server = litserve.LitServer(Detector(options), accelerator="cpu", workers_per_device=options.workers)
    server.run(host="127.0.0.1", port=options.port, log_level="error", generate_client_file=False)
