import Foundation
import Glibc
import Testing

/// A file system in memory for one node, which can be filled and made read-only.
struct SmallDisk {
    /// A database needs about 40 MiB of it.
    private static let bytes = 192 << 20
    let path: String

    /// Whether this process may mount one.
    static let isPossible: Bool = {
        let path = "\(Place.base)/shoal-mount-\(UUID().uuidString.prefix(8))"
        guard mkdir(path, 0o700) == 0 else { return false }
        defer { rmdir(path) }
        guard mount("none", path, "tmpfs", 0, "size=1m") == 0 else { return false }
        return umount(path) == 0
    }()

    /// Mounts it for the time of `body`.
    static func with<Value>(at path: String, _ body: (SmallDisk) async throws -> Value) async throws -> Value {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try #require(mount("none", path, "tmpfs", 0, "size=\(bytes),mode=0711") == 0)
        // Whoever still holds a file must not keep the mount.
        defer { umount2(path, Int32(MNT_DETACH)) }
        return try await body(SmallDisk(path: path))
    }

    private var filler: String { "\(path)/filler" }

    /// Takes the space but for `rest` bytes.
    func fill(leaving rest: Int) throws {
        var info = statvfs()
        try #require(statvfs(path, &info) == 0)
        let free = Int(info.f_bavail) * Int(info.f_frsize)
        let file = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        try #require(posix_fallocate(file, 0, free - rest) == 0)
    }

    func setReadOnly() throws { try #require(remount(UInt(MS_RDONLY)) == 0) }

    /// There is room again, and it can be written.
    func heal() throws {
        try #require(remount(0) == 0)
        unlink(filler)
    }

    private func remount(_ flags: UInt) -> Int32 {
        mount("none", path, "tmpfs", UInt(MS_REMOUNT) | flags, "size=\(Self.bytes)")
    }
}
