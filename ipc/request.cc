#include "ipc/request.h"

#include <utility>

#include "base/display_text.h"

namespace gatehouse {
namespace {

constexpr size_t kWordBytesMax = 64;

Result<bool> ReadId(const Json& body, IpcRequest& request) {
  Result<std::string> id = TextMember(body, "id", kWordBytesMax);
  if (!id) return Unexpected(id.error());
  if (!IsUuid(*id)) {
    return Fail(ErrorCode::kInvalidInput,
                "'" + DisplayText(*id) + "' is no id of a threat");
  }
  request.id = std::move(*id);
  return true;
}

Result<bool> ReadValue(const Json& body, IpcRequest& request) {
  Result<std::string> value = TextMember(body, "value", kWordBytesMax);
  if (!value) return Unexpected(value.error());
  request.value = std::move(*value);
  return true;
}

Result<bool> ReadConfig(const Json& body, IpcRequest& request) {
  Result<std::string> name = TextMember(body, "name", kWordBytesMax);
  if (!name) return Unexpected(name.error());
  request.name = std::move(*name);
  return ReadValue(body, request);
}

// The text of a path may be long.
Result<bool> ReadExclusion(const Json& body, IpcRequest& request) {
  Result<std::string> kind = TextMember(body, "kind", kWordBytesMax);
  if (!kind) return Unexpected(kind.error());
  Result<std::string> text = TextMember(body, "text", kDisplayPathBytesMax);
  if (!text) return Unexpected(text.error());
  Result<std::string> scope = TextMember(body, "scope", kWordBytesMax);
  if (!scope) return Unexpected(scope.error());
  request.name = std::move(*kind);
  request.value = std::move(*text);
  request.scope = std::move(*scope);
  return true;
}

Result<bool> ReadScan(const Json& body, IpcRequest& request) {
  const Result<bool> quarantine = BoolMember(body, "quarantine");
  if (!quarantine) return quarantine;
  Result<std::string> path = TextMember(body, "path", kDisplayPathBytesMax);
  if (!path) return Unexpected(path.error());
  if (body.contains("ignore_exclusions")) {
    const Result<bool> ignore = BoolMember(body, "ignore_exclusions");
    if (!ignore) return ignore;
    request.ignore_exclusions = *ignore;
  }
  request.quarantine = *quarantine;
  request.path = std::move(*path);
  return true;
}

// By id, or by the path where the file was.
Result<bool> ReadRestore(const Json& body, IpcRequest& request) {
  if (body.contains("preserve_privileges")) {
    const Result<bool> preserve = BoolMember(body, "preserve_privileges");
    if (!preserve) return preserve;
    request.preserve_privileges = *preserve;
  }
  if (body.contains("id") || !body.contains("path")) {
    return ReadId(body, request);
  }
  Result<std::string> path = BytesMember(body, "path", kPathBytesMax);
  if (!path) return Unexpected(path.error());
  if (path->empty()) {
    return Fail(ErrorCode::kInvalidInput, "restore: the path is empty");
  }
  request.path = std::move(*path);
  return true;
}

// By name, or by content.
Result<bool> ReadAllowed(const Json& body, IpcRequest& request) {
  const bool has_content = body.contains("sha256");
  if (has_content && body.contains("name")) {
    return Fail(ErrorCode::kInvalidInput, "either a name or a SHA-256");
  }
  Result<std::string> key =
      has_content ? TextMember(body, "sha256", kThreatNameBytesMax)
                  : TextMember(body, "name", kThreatNameBytesMax);
  if (!key) return Unexpected(key.error());
  (has_content ? request.sha256 : request.name) = std::move(*key);
  if (body.contains("comment")) {
    Result<std::string> comment =
        TextMember(body, "comment", kThreatNameBytesMax);
    if (!comment) return Unexpected(comment.error());
    request.comment = std::move(*comment);
  }
  if (body.contains("expires")) {
    const Result<int64_t> expires = TimeMember(body, "expires");
    if (!expires) return Unexpected(expires.error());
    request.expires_ms = *expires;
  }
  return true;
}

Result<bool> ReadAllowedList(const Json& body, IpcRequest& request) {
  if (!body.contains("history")) return true;
  const Result<bool> history = BoolMember(body, "history");
  if (!history) return history;
  request.history = *history;
  return true;
}

Result<bool> ReadPolicy(const Json& body, IpcRequest& request) {
  Result<std::string> type = TextMember(body, "type", kWordBytesMax);
  if (!type) return Unexpected(type.error());
  Result<std::string> action = TextMember(body, "action", kWordBytesMax);
  if (!action) return Unexpected(action.error());
  request.name = std::move(*type);
  request.value = std::move(*action);
  return true;
}

Result<bool> ReadCount(const Json& body, IpcRequest& request) {
  const Result<uint64_t> count =
      NumberMember(body, "count", kScanBatchFilesMax);
  if (!count) return Unexpected(count.error());
  request.count = *count;
  return true;
}

Result<bool> ReadMembers(const Json& body, IpcRequest& request) {
  switch (request.command) {
    case IpcCommand::kHealth:
    case IpcCommand::kVersion:
    case IpcCommand::kThreatList:
    case IpcCommand::kQuarantineList:
    case IpcCommand::kQuarantineRemoveAll:
    case IpcCommand::kThreatPolicyList:
    case IpcCommand::kExclusionList:
    case IpcCommand::kRealTimeStatistics:
    case IpcCommand::kEventProviderStatistics:
    case IpcCommand::kDefinitionsUpdate:
    case IpcCommand::kDefinitionsStatus:
    case IpcCommand::kRecordBegin:
    case IpcCommand::kRecordEnd:
    case IpcCommand::kScanEnd:
      return true;
    case IpcCommand::kExclusionAdd:
    case IpcCommand::kExclusionRemove:
      return ReadExclusion(body, request);
    case IpcCommand::kThreatGet:
    case IpcCommand::kQuarantineRemove:
    case IpcCommand::kQuarantineAdd:
      return ReadId(body, request);
    case IpcCommand::kQuarantineRestore:
      return ReadRestore(body, request);
    case IpcCommand::kThreatAllowedAdd:
    case IpcCommand::kThreatAllowedRemove:
      return ReadAllowed(body, request);
    case IpcCommand::kThreatAllowedList:
      return ReadAllowedList(body, request);
    case IpcCommand::kThreatPolicySet:
      return ReadPolicy(body, request);
    case IpcCommand::kConfigSet:
      return ReadConfig(body, request);
    case IpcCommand::kSystemExtension:
    case IpcCommand::kHotEventSources:
      return ReadValue(body, request);
    case IpcCommand::kScanBegin:
      return ReadScan(body, request);
    case IpcCommand::kScanFiles:
      return ReadCount(body, request);
  }
  return true;
}

bool AreDescriptorsRight(const IpcRequest& request, size_t descriptors) {
  if (request.command == IpcCommand::kScanFiles) {
    return descriptors == request.count;
  }
  if (request.command == IpcCommand::kQuarantineRestore) {
    return descriptors <= 1;
  }
  if (request.command == IpcCommand::kRecordBegin) return descriptors == 1;
  return descriptors == 0;
}

}  // namespace

Result<IpcRequest> ParseRequest(const Json& body, size_t descriptors) {
  const Result<std::string> word = TextMember(body, "command", kWordBytesMax);
  if (!word) return Unexpected(word.error());
  const std::optional<IpcCommand> command = IpcCommandOf(*word);
  if (!command) {
    return Fail(ErrorCode::kNotSupported,
                "'" + DisplayText(*word) + "' is no command of this version");
  }
  IpcRequest request;
  request.command = *command;
  const Result<bool> is_read = ReadMembers(body, request);
  if (!is_read) return Unexpected(is_read.error());
  if (!AreDescriptorsRight(request, descriptors)) {
    return Fail(
        ErrorCode::kInvalidInput,
        *word + ": came with " + std::to_string(descriptors) + " descriptors");
  }
  return request;
}

}  // namespace gatehouse
