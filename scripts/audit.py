#!/usr/bin/env python3
"""Known holes in what requirements.txt pins, by pip-audit; where its data cannot be had, one line says so."""

import json
import subprocess
import sys
from pathlib import Path

COMMAND = "-r requirements.txt --no-deps --disable-pip --progress-spinner off --timeout 10 --format json"


def main():
    """Print what is known to be broken; returns 1 where there is something, 0 otherwise."""
    tool = Path(sys.executable).with_name("pip-audit")
    try:
        done = subprocess.run([tool, *COMMAND.split()], capture_output=True, text=True, timeout=180, check=False)
        packages = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        print("pip-audit: its data cannot be had from here, nothing was audited")
        return 0
    broken = [package for package in packages if package.get("vulns")]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    print(f"pip-audit: {len(packages) - len(skipped)} packages audited, {len(skipped)} without data")
    for package in broken:
        for hole in package["vulns"]:
            fixed = ", ".join(hole["fix_versions"]) or "no version yet"
            print(f"  {package['name']} {package['version']}: {hole['id']}, mended in {fixed}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
