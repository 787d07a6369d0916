public import Membership
public import Wire

/// What makes a site a part of a network: `keys/NETWORK.network` (0600), the genesis and the secret
/// vocabulary key. Handed to members by hand, or written after a ticket was redeemed.
public struct NetworkFile: Sendable, Equatable {
    public let genesis: Genesis
    /// 32 secret bytes, the ones that the genesis commits to.
    public let vocabularyKey: Bytes

    /// - Throws: `malformed` unless the genesis commits to `vocabularyKey`.
    public init(genesis: Genesis, vocabularyKey: Bytes) throws(SiteError) {
        guard vocabularyKey.count == 32, Genesis.commitment(to: vocabularyKey) == genesis.vocabularyCommitment else {
            throw SealedText.malformed(
                .network, "of \(genesis.name)", "its vocabulary key is not the one that its genesis commits to")
        }
        self.genesis = genesis
        self.vocabularyKey = vocabularyKey
    }

    public static func path(of network: String, in directory: String) -> String { "\(directory)/\(network).network" }

    /// Writes `directory/NETWORK.network`; makes `directory` (0700) if it is missing. The same file a second time is
    /// no error.
    ///
    /// - Returns: the path.
    /// - Throws: `exists` if another network's file has that name.
    @discardableResult
    public func create(in directory: String) throws(SiteError) -> String {
        let name = try SiteName(checking: genesis.name)
        try Files.makeDirectory(directory, mode: 0o700)
        let path = Self.path(of: name.text, in: directory)
        do {
            try Files.create(rendered(), at: path, mode: 0o600)
        } catch {
            if error.reason == .exists, try Self.load(path) == self { return path }
            throw error
        }
        return path
    }

    /// - Throws: `missing`, `exposed`, `malformed`, `damaged`, `newer`.
    public static func load(_ path: String) throws(SiteError) -> NetworkFile {
        let bytes = try Files.readSecret(path, limit: 128 << 10)
        let names = ["name", "id", "vocabulary-key", "genesis"]
        let values = try SealedText.values(of: .network, names, in: bytes, path: path)
        guard let key = Hex.decode(values[2]), let encoded = Hex.decode(values[3]) else {
            throw SealedText.malformed(.network, path, "a value is not hexadecimal")
        }
        let genesis: Genesis
        do {
            genesis = try Genesis(decoding: encoded)
        } catch {
            throw SealedText.malformed(.network, path, "\(error)")
        }
        guard values[0] == genesis.name, values[1] == genesis.networkID.hex else {
            throw SealedText.malformed(.network, path, "its name and id are not those of its genesis")
        }
        do {
            return try NetworkFile(genesis: genesis, vocabularyKey: key)
        } catch {
            throw SealedText.malformed(.network, path, error.cause)
        }
    }

    private func rendered() -> Bytes {
        var text = SealedText(
            .network, comment: "Secret. For members only: with the vocabulary key, names can be tested.")
        text.add("name", genesis.name)
        text.add("id", genesis.networkID.hex)
        text.add("vocabulary-key", hex: vocabularyKey)
        text.add("genesis", hex: genesis.encode())
        return text.rendered()
    }
}

extension NetworkFile: CustomStringConvertible, CustomReflectable {
    public var description: String { "NetworkFile(\(genesis.name), secret)" }
    public var customMirror: Mirror { Mirror(self, children: ["genesis": genesis]) }
}
