import Glibc

/// What went wrong with a file of a site, told so that the operator can act on it.
///
/// `description` is one sentence: operation, object, cause, remedy. Secrets never appear in it.
public struct SiteError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What a caller may decide on.
    public enum Reason: Equatable, Sendable {
        case missing
        /// Refused to overwrite.
        case exists
        /// This user may not do that, or the file belongs to somebody else.
        case permission
        /// A secret that others can read.
        case exposed
        /// A path that cannot hold what it should: not a directory, a symbolic link, too long.
        case path
        case readOnly
        case diskFull
        /// Another process holds it; its process id where that is known.
        case inUse(pid: Int32?)
        /// Not the form that is asked for; the line (from 1) where there is one.
        case malformed(line: Int?)
        /// Right form, wrong content: a checksum or a signature of ours does not fit.
        case damaged
        /// Written by a newer shoal.
        case newer
        /// Any other refusal of the system.
        case system(code: Int32)
    }

    public var reason: Reason
    /// A verb phrase that completes "cannot …".
    public var operation: String
    /// Usually a path.
    public var object: String
    public var cause: String
    /// What the operator can do; empty when nothing is known to help.
    public var remedy: String

    public init(_ reason: Reason, operation: String, object: String, cause: String, remedy: String = "") {
        self.reason = reason
        self.operation = operation
        self.object = object
        self.cause = cause
        self.remedy = remedy
    }

    public var description: String {
        "cannot \(operation) \(object): \(cause)" + (remedy.isEmpty ? "" : "; \(remedy)")
    }

    /// From a value of `errno`.
    static func system(_ operation: String, _ path: String, _ code: Int32) -> SiteError {
        let (reason, remedy): (Reason, String) =
            switch code {
            case ENOENT: (.missing, "check the path")
            case EEXIST: (.exists, "remove it first, or choose another name")
            case EACCES, EPERM: (.permission, "choose a place that this user may use")
            case EROFS: (.readOnly, "choose a place that is not on a read-only file system")
            case ENOSPC, EDQUOT: (.diskFull, "free some space there")
            case ENOTDIR, EISDIR, ELOOP: (.path, "check the path")
            case ENAMETOOLONG: (.path, "choose a shorter path")
            default: (.system(code: code), "")
            }
        return SiteError(
            reason, operation: operation, object: path, cause: String(cString: strerror(code)), remedy: remedy)
    }
}
