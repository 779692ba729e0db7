"""The synthetic trees that check_layers.py must judge rightly."""

import synthetic_tree
from synthetic_tree import Case

GOOD_TREE = {
    "base/result.h": "#include <tl/expected.hpp>\n",
    "base/result.cc": '#include "base/result.h"\n\n#include <cerrno>\n',
    "signatures/set.h": '#include "base/result.h"\n',
    "signatures/set.cc": '#include "signatures/set.h"\n#include <hs/hs.h>\n',
    "engine/scanner.h": '#include "signatures/set.h"\n',
    "engine/scanner.cc":
        '#include "engine/scanner.h"\n#include <hs/hs_runtime.h>\n'
        "#include <openssl/evp.h>\n",
    "engine/corpus.cc": "#include <tbb/task_group.h>\n",
    "es_adapter/adapter.cc":
        "#include <EndpointSecurity/EndpointSecurity.h>\n#include "
        '<bsm/libbsm.h>\n#include "engine/scanner.h"\n',
    "es_adapter/event_file_linux.cc":
        "#include <EndpointSecurity/es_linux.h>\n",
    "es_adapter/linux/es_linux.h": '#include "base/result.h"\n',
    "es_adapter/linux/client.cc":
        '#include "es_adapter/linux/es_linux.h"\n'
        "#include <EndpointSecurity/ESTypes.h>\n",
    "quarantine/threat.h": '#include "base/result.h"\n',
    "quarantine/store.cc":
        '#include "engine/scanner.h"\n#include <sqlite3.h>\n',
    "ipc/protocol.h":
        '#include "quarantine/threat.h"\n#include <nlohmann/json.hpp>\n',
    "daemon/main.cc":
        '#include "ipc/protocol.h"\n#include "es_adapter/linux/es_linux.h"\n'
        '// #include "tests/nothing.h"\n',
    "cli/scan.cc":
        '#include "engine/scanner.h"\n#include "quarantine/threat.h"\n'
        "#include <CLI/CLI.hpp>\n",
    "tests/engine/scanner_test.cc":
        '#include "daemon/none.h"\n#include <gtest/gtest.h>\n'
        '#include <hs/hs.h>\n#include "es_adapter/linux/es_linux.h"\n',
    "daemon/none.h": "",
    "bench/scan_bench.cc":
        "#include <benchmark/benchmark.h>\n#include <tbb/info.h>\n",
    "engine/CMakeLists.txt":
        "gatehouse_library(NAME engine SOURCES scanner.cc\n"
        "  DEPENDS base signatures\n  PRIVATE_LIBRARIES TBB::tbb)\n",
}

CASES = [
    Case("the good tree is good", {}),
    Case("base includes nothing",
         {"base/bad.cc": '#include "engine/scanner.h"\n'}, "layer"),
    Case("signatures does not know the engine",
         {"signatures/bad.cc": '#include "engine/scanner.h"\n'}, "layer"),
    Case("the engine does not know where events come from",
         {"engine/bad.h": '#include "es_adapter/linux/x.h"\n',
          "es_adapter/linux/x.h": ""}, "layer"),
    Case("the ES library for Linux does not know the engine",
         {"es_adapter/linux/bad.cc": '#include "engine/scanner.h"\n'},
         "layer"),
    Case("the adapter does not look into the ES library for Linux",
         {"es_adapter/bad.cc": '#include "es_adapter/linux/x.h"\n',
          "es_adapter/linux/x.h": ""}, "layer"),
    Case("the adapter does not know quarantine",
         {"es_adapter/bad.cc": '#include "quarantine/threat.h"\n'}, "layer"),
    Case("ipc knows only the threat of quarantine",
         {"ipc/bad.cc": '#include "quarantine/vault.h"\n',
          "quarantine/vault.h": ""}, "layer"),
    Case("clients know only the threat of quarantine",
         {"cli/bad.cc": '#include "quarantine/vault.h"\n',
          "quarantine/vault.h": ""}, "layer"),
    Case("clients do not know the daemon",
         {"cli/bad.cc": '#include "daemon/none.h"\n'}, "layer"),
    Case("nothing includes the tests",
         {"daemon/bad.cc": '#include "tests/x.h"\n', "tests/x.h": ""},
         "layer"),
    Case("a new folder needs a decision",
         {"core/new.cc": "#include <cerrno>\n"}, "no-layer"),
    Case("an include starts at the root",
         {"engine/bad.cc": '#include "scanner.h"\n'}, "path-from-root"),
    Case("an include does not climb",
         {"engine/bad.cc": '#include "../base/result.h"\n'},
         "path-from-root"),
    Case("the own header comes first",
         {"engine/late.h": "",
          "engine/late.cc": '#include <cerrno>\n#include "engine/late.h"\n'},
         "own-header-first"),
    Case("Apple's API is for the adapter",
         {"engine/bad.cc": "#include <EndpointSecurity/EndpointSecurity.h>\n"},
         "es-api"),
    Case("bsm is for the adapter",
         {"cli/bad.cc": "#include <bsm/libbsm.h>\n"}, "es-api"),
    Case("what Linux adds is for one file of the adapter",
         {"es_adapter/bad.cc": "#include <EndpointSecurity/es_linux.h>\n"},
         "es-linux"),
    Case("what Linux adds is found under any path",
         {"engine/bad.cc": '#include "es_adapter/linux/es_linux.h"\n'},
         "es-linux"),
    Case("no header names Hyperscan",
         {"engine/bad.h": "#include <hs/hs.h>\n"}, "library-in-header"),
    Case("no header names Hyperscan by its bare name",
         {"engine/bad.h": "#include <hs.h>\n"}, "library-in-header"),
    Case("no header names oneTBB",
         {"engine/bad.h": "#include <oneapi/tbb.h>\n"}, "library-in-header"),
    Case("no header names OpenSSL",
         {"daemon/bad.h": "#include <openssl/evp.h>\n"}, "library-in-header"),
    Case("two files may name Hyperscan, three may not",
         {"engine/third.cc": "#include <hs/hs.h>\n"}, "library-spread"),
    Case("no header names CLI11", {"cli/bad.h": "#include <CLI/App.hpp>\n"},
         "library-in-header"),
    Case("CLI11 is for programs",
         {"engine/bad.cc": "#include <CLI/CLI.hpp>\n"}, "confined-library"),
    Case("two files may name oneTBB, three may not",
         {f"engine/{n}.cc": "#include <tbb/task.h>\n" for n in "ab"},
         "library-spread"),
    Case("JSON is in no header of the engine",
         {"engine/bad.h": "#include <nlohmann/json.hpp>\n"},
         "library-in-header"),
    Case("JSON may be in a source of the engine",
         {"engine/good.cc": "#include <nlohmann/json.hpp>\n"}),
    Case("GoogleTest is for tests",
         {"engine/bad.cc": "#include <gtest/gtest.h>\n"}, "confined-library"),
    Case("tl::expected is named once",
         {"engine/bad.h": "#include <tl/expected.hpp>\n"},
         "confined-library"),
    Case("links follow the layers too",
         {"engine/CMakeLists.txt":
              "gatehouse_library(NAME engine SOURCES scanner.cc\n"
              "  DEPENDS base quarantine)\n"}, "link-layer"),
]


def _ring_is_found(check):
    """A ring breaks a layer rule as well: two rules speak at once."""
    found = synthetic_tree.findings_of(check, {
        **GOOD_TREE,
        "base/up.cc": '#include "engine/scanner.h"\n',
    })
    rings = [f for f in found if f.rule == "cycle"]
    if len(rings) == 1 and "base -> engine" in rings[0].message:
        return True
    print("FAILED: a ring of folders is reported once:", found)
    return False


def run(check):
    # A layer rule is broken whenever a ring exists; the ring has its own case.
    without_rings = lambda tree: [f for f in check(tree) if f.rule != "cycle"]
    status = synthetic_tree.run(without_rings, GOOD_TREE, CASES)
    return status if _ring_is_found(check) else 1
