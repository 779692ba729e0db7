#include "definitions/signature_source.h"

#include <array>
#include <cstdint>
#include <utility>

#include "definitions/artefact_store.h"
#include "signatures/artefact.h"
#include "signatures/definitions.h"
#include "signatures/packed_load_report.h"

namespace gatehouse {
namespace {

Result<ObtainedSignatures> Open(WordBuffer image, const Sha256Digest& key) {
  Result<std::shared_ptr<const SignatureSet>> set =
      SignatureSet::Open(std::move(image));
  if (!set) return Unexpected(set.error());
  Result<LoadReport> report = OpenLoadReport((*set)->notes());
  if (!report) return Unexpected(report.error());
  ObtainedSignatures obtained;
  obtained.set = std::move(*set);
  obtained.report = std::move(*report);
  obtained.key = key;
  return obtained;
}

Result<ObtainedSignatures> Find(const ArtefactStore& store,
                                const Sha256Digest& key) {
  Result<WordBuffer> image = store.Find(key);
  if (!image) return Unexpected(image.error());
  return Open(std::move(*image), key);
}

// A set that was not tested on the system's files is not one that was.
Result<Sha256Digest> KeyOf(const Sha256Digest& definitions,
                           const SignatureRequest& request) {
  Result<Sha256Stream> stream = Sha256Stream::Create();
  if (!stream) return Unexpected(stream.error());
  stream->UpdateField(definitions);
  const std::array<uint8_t, 1> choices = {
      static_cast<uint8_t>(request.tests_system_files)};
  stream->UpdateField(choices);
  return ArtefactKey(stream->Finish());
}

Result<Sha256Digest> PresentKey(const SignatureRequest& request) {
  const Result<Sha256Digest> digest =
      DigestDefinitions(request.directory, request.options);
  if (!digest) return Unexpected(digest.error());
  return KeyOf(*digest, request);
}

struct Store {
  std::optional<ArtefactStore> store;
  std::string problem;

  void Add(const Error& error) {
    if (problem.empty()) problem = error.message;
  }
};

Store OpenStore(const std::string& directory) {
  Store store;
  if (directory.empty()) return store;
  Result<ArtefactStore> opened = ArtefactStore::Open(directory);
  if (opened) {
    store.store = std::move(*opened);
  } else {
    store.Add(opened.error());
  }
  return store;
}

// What is in the store; a file that is there and of no use is a problem.
std::optional<ObtainedSignatures> FindIn(Store& store,
                                         const Sha256Digest& key) {
  if (!store.store) return std::nullopt;
  Result<ObtainedSignatures> found = Find(*store.store, key);
  if (found) return std::move(*found);
  if (found.error().code != ErrorCode::kNotFound) store.Add(found.error());
  return std::nullopt;
}

Result<CompiledSet> Compile(const SignatureRequest& request) {
  CompileRequest compile;
  compile.directory = request.directory;
  compile.options = request.options;
  compile.tests_system_files = request.tests_system_files;
  compile.stop = request.stop;
  return CompileInProcess(compile);
}

// Compiles, keeps and opens.
Result<ObtainedSignatures> CompileAndKeep(const SignatureRequest& request,
                                          Store& store) {
  Result<CompiledSet> compiled = Compile(request);
  if (!compiled) return Unexpected(compiled.error());
  // Of what was read, which may be newer than what we looked at.
  const Result<Sha256Digest> key = KeyOf(compiled->digest, request);
  if (!key) return Unexpected(key.error());
  if (store.store) {
    const Result<bool> kept =
        store.store->Publish(*key, std::as_const(compiled->image).words());
    if (!kept) store.Add(kept.error());
  }
  Result<ObtainedSignatures> obtained = Open(std::move(compiled->image), *key);
  if (obtained) obtained->was_compiled = true;
  return obtained;
}

}  // namespace

Result<ObtainedSignatures> ObtainSignatures(const SignatureRequest& request) {
  Store store = OpenStore(request.store_directory);
  const Result<Sha256Digest> key = PresentKey(request);
  if (!key) return Unexpected(key.error());
  std::optional<ObtainedSignatures> found = FindIn(store, *key);
  UniqueFd lock;
  if (!found && store.store) {
    Result<UniqueFd> taken = store.store->Lock(request.stop);
    if (taken) {
      lock = std::move(*taken);
      // Whoever had the lock may have compiled it.
      found = FindIn(store, *key);
    } else if (taken.error().code == ErrorCode::kBusy) {
      return Unexpected(taken.error());
    } else {
      store.Add(taken.error());
      store.store.reset();
    }
  }
  if (!found) {
    Result<ObtainedSignatures> compiled = CompileAndKeep(request, store);
    if (!compiled) return compiled;
    found = std::move(*compiled);
  }
  RefreshTimes(request.directory, found->report);
  found->store_problem = std::move(store.problem);
  return std::move(*found);
}

Result<Sha256Digest> ActiveSet(const std::string& directory) {
  const Result<ArtefactStore> store = ArtefactStore::Open(directory);
  if (!store) return Unexpected(store.error());
  return store->Active();
}

Result<bool> NoteActiveSet(const std::string& directory,
                           const Sha256Digest& key) {
  const Result<ArtefactStore> store = ArtefactStore::Open(directory);
  if (!store) return Unexpected(store.error());
  return store->NoteActive(key);
}

Result<ObtainedSignatures> FindSignaturesByKey(const std::string& directory,
                                               const Sha256Digest& key) {
  const Result<ArtefactStore> store = ArtefactStore::Open(directory);
  if (!store) return Unexpected(store.error());
  return Find(*store, key);
}

}  // namespace gatehouse
