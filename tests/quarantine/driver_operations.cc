#include "tests/quarantine/driver_operations.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "engine/deny_list.h"
#include "engine/scanner.h"
#include "quarantine/exemptions.h"
#include "quarantine/isolator.h"
#include "quarantine/linux_file_operations.h"
#include "quarantine/recovery.h"
#include "quarantine/restorer.h"
#include "quarantine/threat_store.h"
#include "quarantine/vault.h"
#include "signatures/clamav/signature_line.h"
#include "signatures/signature_set.h"
#include "tests/quarantine/driver_part.h"

namespace gatehouse {
namespace {

std::shared_ptr<const SignatureSet> CompileSignatures() {
  HashSignature one_byte;
  one_byte.name = "Test.OneByte";
  one_byte.size = 1;
  HashSignature empty = one_byte;
  empty.name = "Test.Empty";
  empty.size = 0;
  for (auto [signature, digest] : {std::pair{&one_byte, kOneByteSha256},
                                   std::pair{&empty, kEmptySha256}}) {
    signature->algorithm = DigestAlgorithm::kSha256;
    const std::vector<uint8_t> bytes = ParseHex(digest).value();
    std::copy(bytes.begin(), bytes.end(), signature->digest.begin());
  }
  Signatures signatures;
  signatures.bodies = {LiteralSignature("Test.Marker", AsBytes(kDriverMarker))};
  signatures.hashes = {one_byte, empty};
  return SignatureSet::Compile(std::move(signatures)).value();
}

const std::shared_ptr<const SignatureSet>& DriverSignatures() {
  static const std::shared_ptr<const SignatureSet> set = CompileSignatures();
  return set;
}

class Driver {
 public:
  explicit Driver(std::string state)
      : state_(std::move(state)), exemptions_(files_) {}

  // Before anything is counted: compiling signatures takes no part.
  void PrepareScanner() {
    scanner_ = Scanner::Create(DriverSignatures()).value();
  }

  // False: it cannot go on.
  bool Do(const std::string& operation, const std::string& argument) {
    if (operation == "start") return Start();
    if (operation == "isolate") Isolate(argument);
    if (operation == "restore")
      Say("restore", restorer_->Restore(argument, UniqueFd(), {}));
    if (operation == "remove") Say("remove", restorer_->Remove(argument));
    if (operation == "recover") Recover();
    if (operation == "report") Report(argument);
    return true;
  }

  const std::string& said() const { return said_; }

 private:
  void Line(const std::vector<std::string>& fields) {
    for (const std::string& field : fields) {
      if (!said_.empty() && said_.back() != '\n') said_ += '\t';
      said_ += field;
    }
    said_ += '\n';
  }
  template <class T>
  void Say(const std::string& what, const Result<T>& result) {
    Line({what, result ? "done" : "error",
          result ? "" : result.error().message});
  }

  bool Start() {
    Result<std::unique_ptr<Vault>> vault = Vault::Open(state_, files_);
    if (!vault) return Say("start", vault), false;
    vault_ = std::move(*vault);
    Result<std::unique_ptr<ThreatStore>> store = ThreatStore::Open(state_);
    if (!store) return Say("start", store), false;
    store_ = std::move(*store);
    restorer_ = std::make_unique<Restorer>(
        Restorer::Parts{*vault_, *store_, exemptions_});
    isolator_ = std::make_unique<Isolator>(*vault_, std::move(scanner_));
    return true;
  }

  void Record(const std::string& what, const Isolation& isolation) {
    Threat threat = ThreatOf(isolation.header);
    threat.history.push_back(
        {WallClockMilliseconds(), isolation.status, isolation.detail});
    const Result<std::string> id =
        store_->Record(threat, FileKey(isolation.header.file));
    Line({what, std::string(ThreatStatusWord(isolation.status)),
          isolation.header.id, isolation.detail, id ? "" : id.error().message,
          isolation.captured ? "captured" : ""});
  }

  void Isolate(const std::string& path) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return Line({"isolate", "error", "no such file"});
    Record("isolate", isolator_->Isolate({file.UnsafeFd(), "Test.Found", ""}));
  }

  void Recover() {
    for (const Error& problem : restorer_->Recover()) {
      Line({"problem", problem.message});
    }
    DenyList deny_list;
    Result<Unfinished> unfinished = FindUnfinished(*vault_, deny_list);
    if (!unfinished) return Say("recover", unfinished);
    for (const Error& problem : unfinished->problems) {
      Line({"problem", problem.message});
    }
    for (UnfinishedIsolation& one : unfinished->isolations) {
      const size_t others = OtherObjectsOf(*vault_, *store_, one.header);
      const Isolation isolation =
          isolator_->Resume(one.header, std::move(one.file), others);
      if (!isolation.is_known_otherwise) Record("recover", isolation);
    }
    const Result<Reconciliation> reconciled = Reconcile(*vault_, *store_);
    if (!reconciled) return Say("recover", reconciled);
    for (const Error& problem : reconciled->problems) {
      Line({"problem", problem.message});
    }
  }

  void Report(const std::string& folder) {
    const Result<std::vector<Threat>> threats = store_->List();
    if (!threats) return Say("report", threats);
    for (const Threat& threat : *threats) {
      Line({"record", threat.id, std::string(ThreatStatusWord(threat.status())),
            threat.path, threat.sha256, std::to_string(threat.history.size())});
    }
    const Result<std::vector<std::string>> ids = vault_->PublishedIds();
    if (!ids) return Say("report", ids);
    for (const std::string& id : *ids) ReportObject(id, folder + "/" + id);
  }

  void ReportObject(const std::string& id, const std::string& target) {
    const UniqueFd file(
        ::open(target.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const Result<ObjectHeader> header = vault_->Unseal(id, file.UnsafeFd());
    if (!header) return Line({"object", id, "error", header.error().message});
    const FileFacts& facts = header->file;
    std::string attributes;
    for (const auto& [name, value] : facts.xattrs) {
      attributes += name + "=" + HexText(AsBytes(value)) + ";";
    }
    Line({"object", id, "whole", std::to_string(facts.inode_flags),
          std::to_string(facts.mode), std::to_string(facts.uid), attributes});
  }

  const std::string state_;
  LinuxFileOperations files_;
  Exemptions exemptions_;
  std::unique_ptr<Scanner> scanner_;
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<ThreatStore> store_;
  std::unique_ptr<Restorer> restorer_;
  std::unique_ptr<Isolator> isolator_;
  std::string said_;
};

void Mark(int what) {
  // An option that does not exist: nothing happens.
  (void)::prctl(what, 0, 0, 0, 0);
}

bool TakesArgument(const std::string& operation) {
  return operation == "isolate" || operation == "restore" ||
         operation == "remove" || operation == "report";
}

}  // namespace

void PrepareDriver() { (void)DriverSignatures(); }

void DriveQuarantine(const std::vector<std::string>& arguments) {
  Driver driver(arguments.at(0));
  driver.PrepareScanner();
  bool goes_on = true;
  for (size_t i = 1; i < arguments.size() && goes_on; ++i) {
    const std::string& operation = arguments[i];
    if (operation == "--") {
      Mark(kDriverPartBegins);
      continue;
    }
    const bool takes = TakesArgument(operation) && i + 1 < arguments.size();
    goes_on = driver.Do(operation, takes ? arguments[++i] : "");
  }
  Mark(kDriverPartEnds);
  std::fputs(driver.said().c_str(), stdout);
  (void)std::fflush(stdout);
}

}  // namespace gatehouse
