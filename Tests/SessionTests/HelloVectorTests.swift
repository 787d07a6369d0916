import Foundation
import Identity
import Session
import Testing
import Wire

@Suite struct HelloVectorTests {
    private struct File: Decodable {
        struct Vector: Decodable {
            let name, seed, expected, exporter, hello, frame: String
        }
        let vectors: [Vector]
    }

    @Test func `HELLO is the bytes that other implementations make`() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Vectors")
        let data = try Data(contentsOf: folder.appendingPathComponent("hello.json"))
        let vectors = try JSONDecoder().decode(File.self, from: data).vectors
        #expect(vectors.count == 3)
        for vector in vectors {
            let frame = Frame(kind: .hello, body: try #require(Hex.decode(vector.hello)))
            #expect(Hex.encode(frame.encode()) == vector.frame, "\(vector.name)")
            guard case .hello(let hello) = try Message(frame) else { continue }
            let expected = try #require(PeerID(hex: vector.expected))
            let exporter = try #require(Hex.decode(vector.exporter))
            #expect(hello.isSigned(for: expected, exporter: exporter), "\(vector.name)")
            let offer = HelloOffer(
                features: hello.features, listenAddresses: hello.listenAddresses, frontier: hello.frontier,
                state: hello.state)
            let made = Hello(
                offer, role: hello.role, network: hello.network, expected: expected, exporter: exporter,
                with: KeyPair(seed: try #require(Hex.decode(vector.seed))))
            #expect(made == hello, "\(vector.name)")
        }
    }
}
