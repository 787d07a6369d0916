internal import FoundationEssentials
internal import Glibc
internal import Site
internal import Terminal

/// Small disks: a file system in memory for each node's data, which `fill-disk` can fill.
extension Cluster {
    func makeDisks(mebibytes: Int) throws {
        for node in try nodes { try makeDisk(of: node.name, mebibytes: mebibytes) }
    }

    func makeDisk(of name: String, mebibytes: Int) throws(Failure) {
        let path = ClusterNode.dataDirectory(of: name, in: directory)
        do {
            try Files.makeDirectory(path, mode: 0o711)
        } catch {
            throw Failure("make", path, error.cause, remedy: error.remedy, exit: .unreachable)
        }
        guard mount("none", path, "tmpfs", 0, "size=\(mebibytes)m,mode=0711") == 0 else {
            throw Failure(
                "cluster up --disk", path, "a file system cannot be mounted: \(String(cString: strerror(errno)))",
                remedy: "It needs root, or CAP_SYS_ADMIN; without --disk all works but fill-disk", exit: .unreachable)
        }
    }

    private static func filler(of node: ClusterNode) -> String { "\(node.dataDirectory)/filler" }

    /// Takes the space of a node's disk but for `leaving` MiB.
    public func fillDisk(_ name: String, leaving mebibytes: Int) throws {
        let node = try node(name)
        guard try file.diskMebibytes != nil else {
            throw Failure(
                "cluster fill-disk", name,
                "its data is in a directory like any other, and filling that would fill the machine's disk",
                remedy: "Start the cluster with --disk 192 (MiB a node)")
        }
        var info = statvfs()
        guard statvfs(node.dataDirectory, &info) == 0 else { throw Self.failed("look at", node.dataDirectory) }
        let free = Int(info.f_bavail) * Int(info.f_frsize)
        let path = Self.filler(of: node)
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw Self.failed("make", path) }
        defer { close(file) }
        let present = max(0, Int(lseek(file, 0, SEEK_END)))
        let more = free - mebibytes << 20
        guard more > 0 else { return }
        guard posix_fallocate(file, off_t(present), off_t(more)) == 0 else { throw Self.failed("fill", path) }
    }

    /// Gives the space back.
    public func freeDisk(_ name: String) throws { unlink(Self.filler(of: try node(name))) }

    private static func failed(_ operation: String, _ path: String) -> Failure {
        Failure(operation, path, String(cString: strerror(errno)), exit: .unreachable)
    }

    /// Unmounts disks and removes namespaces; what is not there does not matter.
    func removePlaces() {
        guard let file = try? file else { return }
        if file.diskMebibytes != nil {
            for node in file.nodes {
                umount2(ClusterNode.dataDirectory(of: node.name, in: directory), Int32(MNT_DETACH))
            }
        }
        if let prefix = file.namespaces { Namespaces.remove(prefix, nodes: file.nodes.map(\.name)) }
    }
}
