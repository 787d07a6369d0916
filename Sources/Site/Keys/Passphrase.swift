import Glibc
public import Wire

/// What opens a locked key: never a command's argument, which every user of the machine can read.
public enum Passphrase {
    static let maxBytes = 1_024
    /// The name of systemd's credential.
    public static let credential = "shoal-passphrase"

    /// From `SHOAL_PASSPHRASE`, the file that `SHOAL_PASSPHRASE_FILE` names, or systemd's credential
    /// `shoal-passphrase` (`LoadCredential=`); a line end behind it does not count.
    ///
    /// - Returns: nil where none of them is set.
    /// - Throws: for a file that is missing, that others may read, or that is empty or too long.
    public static func find(
        environment: (String) -> String? = DataDirectory.variable
    ) throws(SiteError) -> Bytes? {
        if let text = environment("SHOAL_PASSPHRASE") { return try checked(Bytes(text.utf8), "SHOAL_PASSPHRASE") }
        if let path = environment("SHOAL_PASSPHRASE_FILE") {
            return try checked(try Files.readSecret(path, limit: maxBytes + 2), path)
        }
        if let directory = environment("CREDENTIALS_DIRECTORY") {
            let path = "\(directory)/\(credential)"
            if Files.status(path) != nil { return try checked(try Files.readSecret(path, limit: maxBytes + 2), path) }
        }
        return nil
    }

    private static func checked(_ bytes: Bytes, _ place: String) throws(SiteError) -> Bytes {
        var bytes = bytes
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard (1...maxBytes).contains(bytes.count) else {
            throw SiteError(
                .malformed(line: nil), operation: "read the passphrase in", object: place,
                cause: bytes.isEmpty ? "it is empty" : "it has more than \(maxBytes) bytes",
                remedy: "a passphrase is one line of 1 to \(maxBytes) bytes")
        }
        return bytes
    }
}
