internal import Wire

/// Signatures that Ed25519 verifiers disagree about, and the answer every member must give.
///
/// Two nodes whose libraries judge one signature differently would hold different ops for ever, and
/// one crafted op suffices to part them. So a node runs this at start and does not go on if its
/// libsodium has another rule. The whole list: Tests/IdentityTests/Vectors/ed25519.json.
public enum VerifierCheck {
    public struct Case: Sendable {
        public let name: String
        /// Hexadecimal, 32 bytes.
        public let publicKey: String
        public let message: String
        /// Hexadecimal, 64 bytes: R, then S.
        public let signature: String
        public let isValid: Bool
    }

    /// The names of the cases that this libsodium judges differently; empty is good. Costs about 1 ms.
    public static func disagreements() -> [String] {
        cases.filter { item in
            guard let author = PeerID(hex: item.publicKey), let signature = Hex.decode(item.signature) else {
                return true
            }
            return verify(signature, of: Bytes(item.message.utf8), by: author) != item.isValid
        }.map(\.name)
    }

    public static let cases: [Case] = [
        Case(
            name: "a signature",
            publicKey: "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
            message: "message",
            signature: "826d388801756aa414c6a674847ac6c4d03307582a0b1cdd09fd7f368c249462"
                + "4af2cc68082f1e6760c80fb612107efe05327c44c75ba882d2d99f16f023f909",
            isValid: true),
        Case(
            name: "S + L",
            publicKey: "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
            message: "message",
            signature: "826d388801756aa414c6a674847ac6c4d03307582a0b1cdd09fd7f368c249462"
                + "37c6c2c5229230bf36650759f1095d1306327c44c75ba882d2d99f16f023f919",
            isValid: false),
        Case(
            name: "small-order key 0, canonical",
            publicKey: "0100000000000000000000000000000000000000000000000000000000000000",
            message: "small order key 3",
            signature: "ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a081"
                + "3930000000000000000000000000000000000000000000000000000000000000",
            isValid: false),
        Case(
            name: "small-order key 0, loose encoding 2",
            publicKey: "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            message: "small order key 0",
            signature: "ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a081"
                + "3930000000000000000000000000000000000000000000000000000000000000",
            isValid: false),
        Case(
            name: "small-order key 1, canonical",
            publicKey: "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            message: "small order key 1",
            signature: "ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a081"
                + "3930000000000000000000000000000000000000000000000000000000000000",
            isValid: false),
        Case(
            name: "small-order R 0, canonical",
            publicKey: "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
            message: "message",
            signature: "0100000000000000000000000000000000000000000000000000000000000000"
                + "95c0fdcc54fccad1f2b8bc9b96aa6837c82f86349e6576ad29ca3ece7b7ea905",
            isValid: false),
        Case(
            name: "cofactor: R with a part of order 8",
            publicKey: "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
            message: "message",
            signature: "40a4cf5c611d737a2f1c6fcca84d9cabfed80987f186a5a6c57e629bff1af27f"
                + "739562b47c9773cdf9066e573fe58eec61ed61d3d84874a2ce7cfe2bcaeab808",
            isValid: false),
        Case(
            name: "cofactor: key with a part of order 2 that vanishes",
            publicKey: "63771c228bf60e6a02ad24d2c345a28d3598f640e26bede40c8b77fe4bf090a3",
            message: "mixed key 1",
            signature: "ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a081"
                + "6114009b540a23704193c222afa0ba1659b8af430dba292c34d59f687fcd720d",
            isValid: true),
        Case(
            name: "cofactor: key with a part of order 2 that stays",
            publicKey: "63771c228bf60e6a02ad24d2c345a28d3598f640e26bede40c8b77fe4bf090a3",
            message: "mixed key 0",
            signature: "ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a081"
                + "067c9630c50e8a22062e342bb3b86edd147eb3d1d242b9c2e923ee6de710aa0a",
            isValid: false),
    ]
}
