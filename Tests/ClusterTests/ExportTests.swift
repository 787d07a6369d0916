import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    /// An export is checked by programs that share no code with shoal.
    @Suite struct ExportTests {
        /// Exports what a trained cluster of two holds; the ops as the node lists them, and the network's id.
        private func exported(_ body: (_ file: String, _ network: String, _ ops: [OpReport]) async throws -> Void)
            async throws
        {
            try await TestCluster.with(["a", "b"]) { test in
                try await test.teach(["a", "b"])
                try await test["b"].finish(try await test["b"].train(rounds: 3))
                try await test.agree()
                let a = try test["a"]
                try await Place.with { place in
                    let file = "\(place)/ops.cbor"
                    let outcome = try await Binary.run("ops", "export", file, "--data-dir", a.dataDirectory)
                    #expect(outcome.code == 0, "\(outcome.errors)")
                    try await body(file, try await a.status().network.id, try await a.allOps())
                }
            }
        }

        @Test(.enabled(if: Binary.find("openssl") != nil && Binary.find("b2sum") != nil, "needs openssl and b2sum"))
        func `OpenSSL verifies every exported op, and b2sum finds its id`() async throws {
            try await exported { file, network, ops in
                let openssl = try #require(Binary.find("openssl"))
                let b2sum = try #require(Binary.find("b2sum"))
                let messages = try SimpleCBOR.sequence([UInt8](try Data(contentsOf: URL(filePath: file))))
                #expect(messages.count == ops.count)
                var ids: Set<String> = []
                for message in messages {
                    let op = try SimpleCOSE(message, externalAAD: Array("shoal/op/1".utf8) + bytes(ofHex: network))
                    let base = "\(file)-op"
                    // SubjectPublicKeyInfo of Ed25519 (RFC 8410) is a fixed prefix and the key.
                    let prefix: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
                    try Data(prefix + op.author).write(to: URL(filePath: "\(base).der"))
                    try Data(op.signature).write(to: URL(filePath: "\(base).sig"))
                    try Data(op.sigStructure).write(to: URL(filePath: "\(base).msg"))
                    try Data(Array("shoal/opid/1".utf8) + op.sigStructure).write(to: URL(filePath: "\(base).id"))
                    let check = try await Binary.run(
                        program: openssl,
                        [
                            "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "\(base).der", "-rawin", "-in",
                            "\(base).msg", "-sigfile", "\(base).sig",
                        ])
                    #expect(check.code == 0, "\(check.output)\(check.errors)")
                    let sum = try await Binary.run(program: b2sum, ["-l", "256", "\(base).id"])
                    ids.insert(String(sum.output.prefix(64)))
                }
                #expect(ids == Set(ops.map(\.id)))
            }
        }

        /// The first on the path may be one that somebody installed for other purposes.
        private static let python: String? = [Binary.find("python3"), "/usr/bin/python3"].compactMap(\.self).first {
            let probe = Process()
            probe.executableURL = URL(filePath: $0)
            probe.arguments = ["-c", "import cryptography"]
            probe.standardError = FileHandle.nullDevice
            guard (try? probe.run()) != nil else { return false }
            probe.waitUntilExit()
            return probe.terminationStatus == 0
        }

        @Test(.enabled(if: python != nil, "needs python3 with the package cryptography"))
        func `a program in Python verifies every exported op and chain`() async throws {
            let python = try #require(Self.python)
            try await exported { file, network, ops in
                var package = URL(filePath: #filePath)
                for _ in 0..<3 { package.deleteLastPathComponent() }
                let script = package.appending(path: "Examples/verify_ops.py").path
                let outcome = try await Binary.run(program: python, [script, file, network])
                #expect(outcome.code == 0, "\(outcome.errors)")
                let ids = outcome.output.split(separator: "\n").compactMap {
                    $0.split(separator: " ").first.map(String.init)
                }
                #expect(ids.count == ops.count)
                #expect(Set(ids) == Set(ops.map(\.id)))
                // One bit of one signature changed: the last byte of the file is the end of the last one.
                var broken = try Data(contentsOf: URL(filePath: file))
                broken[broken.count - 40] ^= 1
                try broken.write(to: URL(filePath: file))
                #expect(try await Binary.run(program: python, [script, file, network]).code != 0)
            }
        }
    }
}

private func bytes(ofHex text: String) -> [UInt8] {
    stride(from: 0, to: text.count, by: 2).map { at in
        UInt8(text.dropFirst(at).prefix(2), radix: 16)!
    }
}

/// What a COSE_Sign1 of an op says, read by this file's own decoder.
private struct SimpleCOSE {
    let author: [UInt8]
    let signature: [UInt8]
    let sigStructure: [UInt8]

    init(_ message: SimpleCBOR, externalAAD: [UInt8]) throws {
        guard case .tagged(18, .array(let parts)) = message, parts.count == 4, case .bytes(let protected) = parts[0],
            case .map([]) = parts[1], case .bytes(let payload) = parts[2], case .bytes(let signature) = parts[3],
            case .array(let fields) = try SimpleCBOR.sequence(payload).first, fields.count == 11,
            case .bytes(let author) = fields[1]
        else { throw SimpleCBOR.Malformed() }
        self.author = author
        self.signature = signature
        sigStructure =
            [0x84, 0x6A] + Array("Signature1".utf8) + SimpleCBOR.string(protected) + SimpleCBOR.string(externalAAD)
            + SimpleCBOR.string(payload)
    }
}

/// As much of RFC 8949 as an export needs.
private indirect enum SimpleCBOR: Equatable {
    case number(Int)
    case bytes([UInt8])
    case text([UInt8])
    case array([SimpleCBOR])
    case map([SimpleCBOR])
    case tagged(Int, SimpleCBOR)
    case null

    struct Malformed: Error {}

    static func sequence(_ data: [UInt8]) throws -> [SimpleCBOR] {
        var at = 0
        var items: [SimpleCBOR] = []
        while at < data.count { items.append(try item(data, &at)) }
        return items
    }

    static func string(_ bytes: [UInt8]) -> [UInt8] {
        switch bytes.count {
        case ..<24: [0x40 | UInt8(bytes.count)] + bytes
        case ..<256: [0x58, UInt8(bytes.count)] + bytes
        default: [0x59, UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
        }
    }

    private static func item(_ data: [UInt8], _ at: inout Int) throws -> SimpleCBOR {
        func take(_ count: Int) throws -> [UInt8] {
            guard count <= data.count - at else { throw Malformed() }
            defer { at += count }
            return Array(data[at..<at + count])
        }
        let head = try take(1)[0]
        let short = Int(head & 31)
        let value = short < 24 ? short : try take(1 << (short - 24)).reduce(0) { $0 << 8 | Int($1) }
        switch head >> 5 {
        case 0: return .number(value)
        case 1: return .number(-1 - value)
        case 2: return .bytes(try take(value))
        case 3: return .text(try take(value))
        case 4: return .array(try (0..<value).map { _ in try item(data, &at) })
        case 5: return .map(try (0..<2 * value).map { _ in try item(data, &at) })
        case 6: return .tagged(value, try item(data, &at))
        default: return .null
        }
    }
}
