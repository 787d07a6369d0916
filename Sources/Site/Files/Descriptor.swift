import Glibc
import Wire

/// An open file that closes itself. Knows its path for the text of errors.
struct Descriptor: ~Copyable {
    let number: Int32
    let path: String

    /// `open(2)`, close-on-exec always.
    init(_ operation: String, _ path: String, _ flags: Int32, mode: mode_t = 0) throws(SiteError) {
        while true {
            let number = open(path, flags | O_CLOEXEC, mode)
            if number >= 0 {
                self.number = number
                self.path = path
                return
            }
            let code = errno
            if code != EINTR { throw .system(operation, path, code) }
        }
    }

    deinit { close(number) }

    func status() throws(SiteError) -> stat {
        var info = stat()
        if fstat(number, &info) != 0 { throw .system("look at", path, errno) }
        return info
    }

    /// Up to `count` bytes from `offset`; fewer only at the end of the file.
    func read(at offset: Int, count: Int) throws(SiteError) -> Bytes {
        var bytes = Bytes(repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes {
                pread(number, $0.baseAddress! + done, count - done, off_t(offset + done))
            }
            if got == 0 { break }
            if got < 0 {
                if errno == EINTR { continue }
                throw .system("read", path, errno)
            }
            done += got
        }
        if done < count { bytes.removeLast(count - done) }
        return bytes
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: Bytes, at offset: Int) throws(SiteError) {
        var done = 0
        while done < bytes.count {
            let put = bytes.withUnsafeBytes {
                pwrite(number, $0.baseAddress! + done, bytes.count - done, off_t(offset + done))
            }
            if put < 0 {
                if errno == EINTR { continue }
                throw .system("write", path, errno)
            }
            done += put
        }
    }

    /// Makes content and size durable.
    func sync() throws(SiteError) {
        if fdatasync(number) != 0 { throw .system("sync", path, errno) }
    }

    func truncate(to size: Int) throws(SiteError) {
        while ftruncate(number, off_t(size)) != 0 {
            if errno != EINTR { throw .system("shorten", path, errno) }
        }
    }

    /// Takes the exclusive lock without waiting; it ends with ``unlock()`` or the process.
    ///
    /// - Returns: false when another open file holds it.
    func lockExclusively() throws(SiteError) -> Bool {
        while flock(number, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK: return false
            default: throw .system("lock", path, errno)
            }
        }
        return true
    }

    /// Gives the lock back at once. Closing alone does not while a child process that is just being
    /// started still has its copy of the descriptor.
    func unlock() { _ = flock(number, LOCK_UN) }
}
