import Foundation
import Identity
import Testing
import Wire

/// A file of `Vectors/`; other implementations read the same ones.
private func vectors<File: Decodable>(_ name: String, as: File.Type = File.self) throws -> File {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Vectors")
    return try JSONDecoder().decode(File.self, from: Data(contentsOf: folder.appendingPathComponent(name)))
}

/// Bytes as hexadecimal text.
private struct HexBytes: Decodable {
    let bytes: Bytes

    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        bytes = try #require(Hex.decode(text))
    }
}

@Suite struct VectorTests {
    private struct COSEFile: Decodable {
        struct Accepted: Decodable {
            let name: String
            let seed, public_key, external_aad, payload, sig_structure, signature, message, op_id: HexBytes
        }
        struct Refused: Decodable {
            let name, stage: String
            let public_key, external_aad, message: HexBytes
        }
        let accepted: [Accepted]
        let refused: [Refused]
    }

    @Test func `COSE messages are signed, encoded, read and named as everywhere else`() throws {
        let file: COSEFile = try vectors("cose.json")
        #expect(file.accepted.count >= 9)
        for vector in file.accepted {
            let key = KeyPair(seed: vector.seed.bytes)
            #expect(key.peerID.bytes == vector.public_key.bytes)
            let payload = vector.payload.bytes
            let aad = vector.external_aad.bytes
            #expect(COSESign1.sigStructure(payload: payload, externalAAD: aad) == vector.sig_structure.bytes)
            let message = COSESign1(signing: payload, externalAAD: aad, with: key)
            #expect(message.signature == vector.signature.bytes, "\(vector.name)")
            #expect(message.encode() == vector.message.bytes, "\(vector.name)")
            let read = try COSESign1(decoding: vector.message.bytes, maxPayload: 7 * 1_024)
            #expect(read == message && read.isSigned(by: key.peerID, externalAAD: aad), "\(vector.name)")
            #expect(opID(sigStructure: vector.sig_structure.bytes).bytes == vector.op_id.bytes, "\(vector.name)")
        }
    }

    @Test func `COSE messages that are not quite right fail where they should`() throws {
        let file: COSEFile = try vectors("cose.json")
        #expect(file.refused.count >= 28)
        for vector in file.refused {
            let author = try #require(PeerID(vector.public_key.bytes))
            guard let message = try? COSESign1(decoding: vector.message.bytes, maxPayload: 7 * 1_024) else {
                #expect(vector.stage == "decode", "\(vector.name)")
                continue
            }
            #expect(vector.stage == "verify", "\(vector.name)")
            #expect(!message.isSigned(by: author, externalAAD: vector.external_aad.bytes), "\(vector.name)")
        }
    }

    private struct SignatureFile: Decodable {
        struct Vector: Decodable {
            let name: String
            let public_key, message, signature: HexBytes
            let valid: Bool
        }
        let vectors: [Vector]
    }

    @Test func `the verifier answers the disputed cases as every member must`() throws {
        let file: SignatureFile = try vectors("ed25519.json")
        #expect(file.vectors.count >= 49)
        for vector in file.vectors {
            let author = try #require(PeerID(vector.public_key.bytes))
            let isValid = verify(vector.signature.bytes, of: vector.message.bytes, by: author)
            #expect(isValid == vector.valid, "\(vector.name)")
        }
    }

    @Test func `the check at start passes, and knows the cases of the file`() throws {
        #expect(VerifierCheck.disagreements() == [])
        let file: SignatureFile = try vectors("ed25519.json")
        for known in VerifierCheck.cases {
            let vector = try #require(file.vectors.first { $0.name == known.name })
            #expect(vector.public_key.bytes == Hex.decode(known.publicKey))
            #expect(vector.message.bytes == Bytes(known.message.utf8))
            #expect(vector.signature.bytes == Hex.decode(known.signature))
            #expect(vector.valid == known.isValid)
        }
    }

    private struct BodyFile: Decodable {
        struct Vector: Decodable {
            let length: Int
            let chunk_hashes: [HexBytes]
            let body_hash: HexBytes
        }
        let vectors: [Vector]
    }

    @Test func `bodies have the hashes of the file`() throws {
        let file: BodyFile = try vectors("body.json")
        #expect(file.vectors.count == 6)
        for vector in file.vectors {
            let body = Bytes((0..<vector.length).map { UInt8($0 % 251) })
            #expect(BodyHash.chunkHashes(of: body).map(\.bytes) == vector.chunk_hashes.map(\.bytes))
            #expect(BodyHash.hash(of: body).bytes == vector.body_hash.bytes, "\(vector.length) bytes")
            #expect(BodyHash.chunkCount(length: vector.length) == vector.chunk_hashes.count)
        }
    }
}
