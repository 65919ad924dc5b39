#!/usr/bin/env python3
"""Rebuilds the hashes by which a receipt of Muster names checks. Python 3.8, nothing but its standard library.

    muster config show --json | python3 check-hashes.py

Reads a configuration as JSON, from standard input or the files named: {"checks": [{"id", "summary_sql" or
"summary_find", "expect"}, ...]}, its other keys passed over. Prints a line for each check: its check_sha256, its
expect_sha256, its id.
"""

import hashlib
import json
import sys
from decimal import Decimal

EXACT = 2**53


def number(value):
    """As RFC 8785 (that is, ECMAScript) writes a number: the shortest decimal that is read as the same double."""
    if isinstance(value, int) and abs(value) > EXACT:
        sys.exit(f'{value} is beyond 2^53: a configuration has {{"$numberLong": "..."}} there')
    sign, figures, exponent = Decimal(repr(float(value))).normalize().as_tuple()
    digits = "".join(map(str, figures))
    point = len(digits) + exponent
    if digits == "0":
        return "0"
    if len(digits) <= point <= 21:
        text = digits + "0" * exponent
    elif 0 < point <= 21:
        text = digits[:point] + "." + digits[point:]
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        text = digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + f"e{point - 1:+}"
    return "-" * sign + text


def compact(value):
    """Compact JSON; keys stay in the order in which they were written."""
    if isinstance(value, dict):
        return "{" + ",".join(compact(key) + ":" + compact(item) for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(value)
    return json.dumps(value, ensure_ascii=False)


def canonical(check):
    """What check_sha256 is over: the query as it is, or the mapping with only its top keys sorted."""
    if "summary_sql" in check:
        return check["summary_sql"]
    find = check["summary_find"]
    return compact({key: find[key] for key in sorted(find)})


def sha256(text):
    return "sha256:" + hashlib.sha256(text.encode("utf-8")).hexdigest()


def main():
    for text in [open(path, encoding="utf-8").read() for path in sys.argv[1:]] or [sys.stdin.buffer.read()]:
        for check in json.loads(text)["checks"]:
            print(sha256(canonical(check)), sha256(check["expect"]), check["id"])


if __name__ == "__main__":
    main()
