// What quarantine_driver and who watches it agree on.
#pragma once

#include <string_view>

namespace gatehouse {

// Options of prctl(2) that no kernel knows: the call before and the call after
// the part of the driver that matters.
inline constexpr int kDriverPartBegins = 0x47480001;
inline constexpr int kDriverPartEnds = 0x47480002;

// What makes a file malicious for the driver: this text anywhere, or being one
// of the two files below.
inline constexpr std::string_view kDriverMarker = "malicious-test-marker";
inline constexpr std::string_view kOneByteThreat = "!";

// Of kOneByteThreat and of nothing, by sha256sum.
inline constexpr std::string_view kOneByteSha256 =
    "bb7208bc9b5d7c04f1236a82a0093a5e33f40423d5ba8d4266f7092c3ba43b62";
inline constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

}  // namespace gatehouse
