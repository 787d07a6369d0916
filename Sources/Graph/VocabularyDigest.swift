public import Identity
public import Wire

/// Tells whether a table of rows and a list of tokens belong together.
public enum VocabularyDigest {
    /// BLAKE2b-256 over the ids in the order of their rows, 16 bytes each.
    public static func digest(of tokens: [TokenID]) -> Hash32 {
        var hasher = Hasher32(domain: "shoal/vocabulary/1")
        for token in tokens { hasher.update(token.bytes) }
        return hasher.finish()
    }
}
