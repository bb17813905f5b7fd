"""The structs and numbers of this package are those of the library."""

from __future__ import annotations

import json
import re
import unittest
from ctypes import byref, sizeof
from pathlib import Path

from kindly_guard_ipc import layout
from kindly_guard_ipc.native import NewThreat, library, structs
from kindly_guard_ipc.native.new_threat import fill
from kindly_guard_ipc.native.options import make_options

INCLUDE = Path(__file__).parents[4] / "native" / "include"


def text_of(name: str) -> str:
    return (INCLUDE / name).read_text()


class Structs(unittest.TestCase):
    def test_places(self) -> None:
        """Each field is where the library has it, and each struct has its size
        there: an option that is missing here is one that nobody can set."""
        abi = json.loads(text_of("kg_abi.json"))
        for name, struct in structs.STRUCTS.items():
            for field, *_ in struct._fields_:
                place = getattr(struct, field)
                with self.subTest(struct=name, field=field):
                    self.assertEqual([place.offset, place.size], abi[name]["fields"][field])
            self.assertEqual(sizeof(struct), abi[name]["size"], name)
        self.assertEqual(make_options(None, None).struct_size, sizeof(structs.RingOptions))

    def test_functions(self) -> None:
        """Each that is called is one of the header, with so many parameters."""
        headers = text_of("kg_ipc.h") + text_of("kg_error.h")
        declared = dict(
            re.findall(r"^KG_API [^(;]*?\b(kg_\w+)\(([^)]*)\)", headers, re.MULTILINE)
        )
        for name, (_, *takes) in {**library._FUNCTIONS, **library._NEWER}.items():
            parameters = declared[name].strip()
            count = 0 if parameters == "void" else parameters.count(",") + 1
            self.assertEqual(len(takes), count, name)

    def test_numbers(self) -> None:
        header = text_of("kg_ipc.h")
        reasons = re.findall(r"^  KG_LOSS_(\w+),?(?: |$)", header, re.MULTILINE)
        names = [reason.lower().replace("_", "-") for reason in reasons]
        self.assertEqual(names, ["none", *structs.REASONS[1:]])
        lives = re.findall(r"^  KG_WRITER_(\w+),? +/", header, re.MULTILINE)
        self.assertEqual([life.lower() for life in lives], list(structs.LIVES))
        huge_pages = re.findall(r"^  KG_HUGE_(\w+) = (\d)", header, re.MULTILINE)
        self.assertEqual(
            [(name.lower(), int(number)) for name, number in huge_pages],
            [(name, number) for number, name in enumerate(structs.HUGE_PAGES)],
        )
        self.assertIn("#define KG_NUMA_NODE(number) ((uint32_t)(number) + 1)", header)
        self.assertIn("#define KG_NUMA_INTERLEAVE UINT32_MAX", header)
        self.assertEqual(structs.NUMA_INTERLEAVE, 2**32 - 1)
        layouts = text_of("kg_layout.h")
        for name, value in {
            "LAYOUT_VERSION": layout.VERSION,
            "SLOT_BYTES": layout.SLOT_BYTES,
            "READER_CELLS": structs.READER_CELLS,
            "MAX_SPAN": structs.MAX_SPAN,
            "BATCH_DIVISOR": structs.BATCH_DIVISOR,
        }.items():
            found = re.search(rf"#define KG_{name} (?:UINT32_C\()?(\d+)", layouts)
            assert found is not None, name
            self.assertEqual(int(found[1]), value, name)
        loaded = library.load()
        for number, code in (
            (structs.RING_INVALID, b"ERR_RING_INVALID"),
            (structs.RING_TRUNCATED, b"ERR_RING_TRUNCATED"),
            (structs.RING_FULL, b"ERR_RING_FULL"),
        ):
            self.assertEqual(loaded.error_code(number), code)

    def test_texts_live(self) -> None:
        """The bytes of texts stay while the library may look at them."""
        raw = structs.RawThreat()
        texts = [chr(97 + at) * (1000 + at) for at in range(4)]
        source, details, own_id, context = texts
        fill(raw, NewThreat(1, 1, source, details, id=own_id, context=context))
        for size in range(1000, 1100):
            [b"x" * size for _ in range(20)]
        wanted = [source, details, own_id, f'"{context}"']
        got = [raw.source, raw.details, raw.id, raw.context]
        self.assertEqual([one.bytes.decode() for one in got], wanted)
        span = library.load().threat_span(byref(raw))
        self.assertEqual(span, 1 + -(-(sum(map(len, wanted)) + 4 * 8) // 340))


if __name__ == "__main__":
    unittest.main()
