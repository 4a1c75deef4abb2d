"""Code that asks a deployment or a model, ready to paste: `asked` is ("model", name) or ("model_id", id).

A name may hold anything; each language quotes it in its own way.
"""

import json
import shlex
from urllib.parse import urlencode

VARIABLE = "YOLO_TOKEN"


def code_samples(endpoint, asked, token_name=""):
    """`[(title, key, code)]`; `token_name` is that of the API token which the environment variable is to hold."""
    held = f"${VARIABLE} holds your API token" + (f" “{plain(token_name)}”" if token_name else "")
    query = urlencode(dict([asked]))
    return [
        ("curl", "curl", _curl(endpoint, asked, query, held)),
        ("Python", "python", _python(endpoint, asked, held)),
        ("JavaScript", "javascript", _javascript(endpoint, query, held)),
    ]


def plain(words):
    """Words that cannot leave the comment that they stand in."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def _curl(endpoint, asked, query, held):
    form = shlex.quote("=".join(map(str, asked)))
    picture = shlex.quote(f"{endpoint}?{query}&format=image")
    return f"""\
# {held}
curl --fail-with-body -H "Authorization: Token ${VARIABLE}" \\
  -F image=@picture.jpg --form-string {form} \\
  {shlex.quote(endpoint)}

# the picture with its boxes drawn
curl --fail-with-body -H "Authorization: Token ${VARIABLE}" \\
  -H "Content-Type: image/jpeg" --data-binary @picture.jpg \\
  {picture} -o boxes.jpg"""


def _python(endpoint, asked, held):
    name, value = asked
    return f"""\
# {held}
import os, requests

with open("picture.jpg", "rb") as picture:
    answer = requests.post(
        {endpoint!r},
        headers={{"Authorization": "Token " + os.environ["{VARIABLE}"]}},
        files={{"image": picture}},
        data={{"{name}": {value!r}}},
        timeout=60,
    )
answer.raise_for_status()
for found in answer.json()["predictions"]:
    print(found["class_name"], found["confidence"], found["box"])"""


def _javascript(endpoint, query, held):
    return f"""\
// {held}
import {{ readFile }} from "node:fs/promises"; // Node 18 or newer; save as ask.mjs

const answer = await fetch({json.dumps(f"{endpoint}?{query}")}, {{
  method: "POST",
  headers: {{
    "Authorization": `Token ${{process.env.{VARIABLE}}}`,
    "Content-Type": "image/jpeg",
  }},
  body: await readFile("picture.jpg"),
}});
if (!answer.ok) throw new Error(await answer.text());
for (const found of (await answer.json()).predictions)
  console.log(found.class_name, found.confidence, found.box);"""
