#include "quarantine/object_header.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

// The payload is a fixed part, whose values are known only at the end of
// sealing, and a CBOR map with everything else. Whoever reads it has already
// authenticated it; the checks here are for our own mistakes and for fuzzing.

namespace gatehouse {
namespace {

using Json = nlohmann::json;

// Values are on disk: never renumber, never rename a key.
constexpr size_t kDigestBytes = 32;
constexpr size_t kFixedBytes = kDigestBytes + sizeof(uint64_t);
constexpr int kDepthMax = 4;  // header, file, xattrs, pair.
constexpr int64_t kNsecMax = 999999999;

Json BytesOf(std::string_view bytes) {
  const ByteView view = AsBytes(bytes);
  return Json::binary(std::vector<uint8_t>(view.begin(), view.end()));
}

Json TimeOf(const FileTime& time) { return Json::array({time.sec, time.nsec}); }

Json FactsOf(const FileFacts& file) {
  Json xattrs = Json::array();
  for (const auto& [name, value] : file.xattrs) {
    xattrs.push_back(Json::array({BytesOf(name), BytesOf(value)}));
  }
  Json map = {{"dev", file.dev},
              {"inode", file.inode},
              {"handle_type", file.handle_type},
              {"handle", BytesOf(file.handle)},
              {"btime", TimeOf(file.btime)},
              {"size", file.size},
              {"mode", file.mode},
              {"uid", file.uid},
              {"gid", file.gid},
              {"atime", TimeOf(file.atime)},
              {"mtime", TimeOf(file.mtime)},
              {"ctime", TimeOf(file.ctime)},
              {"nlink", file.nlink},
              {"inode_flags", file.inode_flags},
              {"xattrs", std::move(xattrs)}};
  if (file.project_id != 0) map["project_id"] = file.project_id;
  return map;
}

// The parser recurses for every level: this stops it before the stack ends.
class DepthLimit : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/,
                    const string_t& /*text*/) override {
    return true;
  }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool key(string_t& /*value*/) override { return true; }
  bool start_object(size_t /*elements*/) override { return Enter(); }
  bool end_object() override { return Leave(); }
  bool start_array(size_t /*elements*/) override { return Enter(); }
  bool end_array() override { return Leave(); }
  bool parse_error(size_t /*position*/, const std::string& /*token*/,
                   const Json::exception& /*error*/) override {
    return false;
  }

 private:
  bool Enter() { return ++depth_ <= kDepthMax; }
  bool Leave() {
    --depth_;
    return true;
  }
  int depth_ = 0;
};

// Takes the fields of one map, and remembers the first that is not as it must
// be. What it returns for that one, and later, means nothing.
class FieldReader {
 public:
  FieldReader(const Json* map, std::string prefix, std::string& bad_field)
      : map_(map), prefix_(std::move(prefix)), bad_field_(bad_field) {}

  const Json* Find(const char* key) const {
    if (map_ == nullptr) return nullptr;
    const auto found = map_->find(key);
    return found == map_->end() ? nullptr : &*found;
  }

  std::string Text(const char* key) {
    const Json* value = Find(key);
    const auto* text =
        value == nullptr ? nullptr : value->get_ptr<const std::string*>();
    if (text == nullptr) return Bad(key), std::string();
    return *text;
  }

  std::string Bytes(const char* key) { return BytesIn(Find(key), key); }

  template <class Number>
  Number Integer(const char* key, Number max = Most<Number>()) {
    return IntegerIn<Number>(Find(key), key, max);
  }

  FileTime Time(const char* key) {
    const Json* value = Find(key);
    if (value == nullptr || !value->is_array() || value->size() != 2) {
      return Bad(key), FileTime();
    }
    FileTime time;
    time.sec = IntegerIn<int64_t>(&(*value)[0], key, Most<int64_t>());
    time.nsec = IntegerIn<int64_t>(&(*value)[1], key, kNsecMax);
    if (time.nsec < 0) Bad(key);
    return time;
  }

  std::optional<bool> OptionalBool(const char* key) {
    const Json* value = Find(key);
    if (value == nullptr) return std::nullopt;
    const auto* boolean = value->get_ptr<const bool*>();
    if (boolean == nullptr) return Bad(key), std::nullopt;
    return *boolean;
  }

  std::vector<std::pair<std::string, std::string>> Pairs(const char* key) {
    std::vector<std::pair<std::string, std::string>> pairs;
    const Json* value = Find(key);
    if (value == nullptr || !value->is_array()) return Bad(key), pairs;
    for (const Json& pair : *value) {
      if (!pair.is_array() || pair.size() != 2) return Bad(key), pairs;
      pairs.emplace_back(BytesIn(&pair[0], key), BytesIn(&pair[1], key));
    }
    return pairs;
  }

  const Json* Map(const char* key) {
    const Json* value = Find(key);
    if (value != nullptr && value->is_object()) return value;
    Bad(key);
    return nullptr;
  }

 private:
  template <class Number>
  static constexpr Number Most() {
    return std::numeric_limits<Number>::max();
  }

  std::string BytesIn(const Json* value, const char* key) {
    const auto* bytes =
        value == nullptr ? nullptr : value->get_ptr<const Json::binary_t*>();
    if (bytes == nullptr) return Bad(key), std::string();
    return std::string(bytes->begin(), bytes->end());
  }

  template <class Number>
  Number IntegerIn(const Json* value, const char* key, Number max) {
    if (value != nullptr && value->is_number_unsigned()) {
      const auto number = value->get<uint64_t>();
      if (std::cmp_less_equal(number, max)) return static_cast<Number>(number);
    } else if (value != nullptr && value->is_number_integer()) {
      const auto number = value->get<int64_t>();  // CBOR: it is negative.
      if (std::in_range<Number>(number)) return static_cast<Number>(number);
    }
    return Bad(key), Number{};
  }

  void Bad(const char* key) {
    if (bad_field_.empty()) bad_field_ = prefix_ + key;
  }

  const Json* const map_;  // Null: every field is bad.
  const std::string prefix_;
  std::string& bad_field_;
};

FileFacts FactsIn(FieldReader fields) {
  FileFacts file;
  file.dev = fields.Integer<uint64_t>("dev");
  file.inode = fields.Integer<uint64_t>("inode");
  file.handle_type = fields.Integer<int32_t>("handle_type");
  file.handle = fields.Bytes("handle");
  file.btime = fields.Time("btime");
  file.size = fields.Integer<uint64_t>("size", kFileSizeMax);
  file.mode = fields.Integer<uint32_t>("mode");
  file.uid = fields.Integer<uint32_t>("uid");
  file.gid = fields.Integer<uint32_t>("gid");
  file.atime = fields.Time("atime");
  file.mtime = fields.Time("mtime");
  file.ctime = fields.Time("ctime");
  file.nlink = fields.Integer<uint64_t>("nlink");
  file.inode_flags = fields.Integer<uint32_t>("inode_flags");
  file.xattrs = fields.Pairs("xattrs");
  // Newer than version 1 of the format: may be missing.
  if (fields.Find("project_id") != nullptr) {
    file.project_id = fields.Integer<uint32_t>("project_id");
  }
  return file;
}

Unexpected Damaged(const std::string& what) {
  return Fail(ErrorCode::kInvalidInput, "header of a sealed object: " + what);
}

}  // namespace

Result<std::string> EncodeObjectHeader(const ObjectHeader& header) {
  assert(header.file.size <= kFileSizeMax);
  assert(header.data_bytes <= header.file.size);
  Json map = {{"id", header.id},
              {"time_ms", header.time_ms},
              {"threat_name", header.threat_name},
              {"signature_generation", header.signature_generation},
              {"engine_version", header.engine_version},
              {"path", BytesOf(header.path)},
              {"parent_path", BytesOf(header.parent_path)},
              {"parent_handle", BytesOf(header.parent_handle)},
              {"parent_handle_type", header.parent_handle_type},
              {"scan_id", header.scan_id},
              {"file", FactsOf(header.file)}};
  if (header.isolated_in_time.has_value()) {
    map["isolated_in_time"] = *header.isolated_in_time;
  }
  if (header.is_copy) map["is_copy"] = true;
  std::string payload(AsText(header.sha256));
  for (size_t i = 0; i < sizeof(uint64_t); ++i) {
    payload.push_back(static_cast<char>(header.data_bytes >> (8 * i) & 0xff));
  }
  assert(payload.size() == kFixedBytes);
  Json::to_cbor(map, payload);
  if (payload.size() > kObjectHeaderBytesMax) {
    return Fail(ErrorCode::kLimitExceeded,
                "header of a sealed object: " + std::to_string(payload.size()) +
                    " bytes, at most " + std::to_string(kObjectHeaderBytesMax) +
                    " fit");
  }
  return payload;
}

Result<ObjectHeader> DecodeObjectHeader(ByteView payload) {
  if (payload.size() < kFixedBytes || payload.size() > kObjectHeaderBytesMax) {
    return Damaged("has " + std::to_string(payload.size()) + " bytes");
  }
  ObjectHeader header;
  std::copy_n(payload.begin(), kDigestBytes, header.sha256.begin());
  for (size_t i = kFixedBytes; i > kDigestBytes; --i) {
    header.data_bytes = header.data_bytes << 8 | payload[i - 1];
  }
  const ByteView cbor = payload.subspan(kFixedBytes);
  DepthLimit depth_limit;
  if (!Json::sax_parse(cbor, &depth_limit, Json::input_format_t::cbor)) {
    return Damaged("is not CBOR, or too deep");
  }
  const Json map = Json::from_cbor(cbor, /*strict=*/true,
                                   /*allow_exceptions=*/false);
  if (!map.is_object()) return Damaged("is not a CBOR map");

  std::string bad_field;
  FieldReader fields(&map, "", bad_field);
  header.id = fields.Text("id");
  header.time_ms = fields.Integer<int64_t>("time_ms");
  header.threat_name = fields.Text("threat_name");
  header.signature_generation =
      fields.Integer<uint64_t>("signature_generation");
  header.engine_version = fields.Text("engine_version");
  header.path = fields.Bytes("path");
  header.parent_path = fields.Bytes("parent_path");
  header.parent_handle = fields.Bytes("parent_handle");
  header.parent_handle_type = fields.Integer<int32_t>("parent_handle_type");
  header.scan_id = fields.Text("scan_id");
  header.isolated_in_time = fields.OptionalBool("isolated_in_time");
  header.is_copy = fields.OptionalBool("is_copy").value_or(false);
  header.file = FactsIn(FieldReader(fields.Map("file"), "file.", bad_field));
  if (!bad_field.empty()) {
    return Damaged("field '" + bad_field + "' is missing or wrong");
  }
  if (header.data_bytes > header.file.size) {
    return Damaged("more data than the file has");
  }
  return header;
}

}  // namespace gatehouse
