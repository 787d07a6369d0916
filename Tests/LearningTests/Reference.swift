import Glibc

// The layers of the model in Double, written for reading: the naive twin of every float kernel.
// Matrices are rows of rows; each backward takes the gradient of the output and returns those of
// the inputs.

typealias Matrix = [[Double]]

func zeros(_ rows: Int, _ columns: Int) -> Matrix {
    Array(repeating: Array(repeating: 0, count: columns), count: rows)
}

enum Reference {
    static func product(_ a: Matrix, _ b: Matrix) -> Matrix {
        var c = zeros(a.count, b[0].count)
        for i in a.indices {
            for k in b.indices {
                for j in b[0].indices { c[i][j] += a[i][k] * b[k][j] }
            }
        }
        return c
    }

    static func transposed(_ a: Matrix) -> Matrix {
        var b = zeros(a[0].count, a.count)
        for i in a.indices {
            for j in a[0].indices { b[j][i] = a[i][j] }
        }
        return b
    }

    static func sum(_ a: Matrix, _ b: Matrix) -> Matrix { zip(a, b).map { zip($0, $1).map { $0 + $1 } } }

    /// Element by element.
    static func masked(_ a: Matrix, _ mask: Matrix) -> Matrix { zip(a, mask).map { zip($0, $1).map { $0 * $1 } } }

    // MARK: RMSNorm

    static func norm(_ x: Matrix, _ gain: [Double], _ epsilon: Double = 1e-5) -> Matrix {
        x.map { row in
            let scale = inverse(row, epsilon)
            return zip(row, gain).map { $0 * scale * $1 }
        }
    }

    static func inverse(_ row: [Double], _ epsilon: Double) -> Double {
        1 / (row.reduce(0) { $0 + $1 * $1 } / Double(row.count) + epsilon).squareRoot()
    }

    static func normBackward(
        _ dy: Matrix, _ x: Matrix, _ gain: [Double], _ epsilon: Double = 1e-5
    ) -> (dx: Matrix, dGain: [Double]) {
        var dx = zeros(x.count, gain.count)
        var dGain = [Double](repeating: 0, count: gain.count)
        for i in x.indices {
            let scale = inverse(x[i], epsilon)
            var along = 0.0
            for j in gain.indices {
                along += dy[i][j] * gain[j] * x[i][j]
                dGain[j] += dy[i][j] * x[i][j] * scale
            }
            for j in gain.indices {
                let projection = x[i][j] * along * scale * scale * scale / Double(gain.count)
                dx[i][j] = dy[i][j] * gain[j] * scale - projection
            }
        }
        return (dx, dGain)
    }

    // MARK: ReLU

    static func relu(_ x: Matrix) -> Matrix { x.map { $0.map { max($0, 0) } } }

    static func reluBackward(_ dy: Matrix, _ y: Matrix) -> Matrix {
        zip(dy, y).map { zip($0, $1).map { $1 > 0 ? $0 : 0 } }
    }

    // MARK: Causal attention of one walk, all heads

    /// Row t of the result: softmax weights of positions 0...t.
    static func weights(_ q: Matrix, _ k: Matrix, _ columns: Range<Int>) -> Matrix {
        let scale = 1 / Double(columns.count).squareRoot()
        return q.indices.map { t in
            let scores = (0...t).map { s in columns.reduce(0) { $0 + q[t][$1] * k[s][$1] } * scale }
            return softmax(scores)
        }
    }

    static func attention(_ q: Matrix, _ k: Matrix, _ v: Matrix, heads: Int) -> Matrix {
        var out = zeros(q.count, q[0].count)
        for columns in headColumns(q[0].count, heads) {
            let p = weights(q, k, columns)
            for t in q.indices {
                for s in 0...t {
                    for j in columns { out[t][j] += p[t][s] * v[s][j] }
                }
            }
        }
        return out
    }

    static func attentionBackward(
        _ dOut: Matrix, _ q: Matrix, _ k: Matrix, _ v: Matrix, heads: Int
    ) -> (dq: Matrix, dk: Matrix, dv: Matrix) {
        var (dq, dk, dv) = (zeros(q.count, q[0].count), zeros(q.count, q[0].count), zeros(q.count, q[0].count))
        for columns in headColumns(q[0].count, heads) {
            let p = weights(q, k, columns)
            let scale = 1 / Double(columns.count).squareRoot()
            for t in q.indices {
                let dp = (0...t).map { s in columns.reduce(0) { $0 + dOut[t][$1] * v[s][$1] } }
                let mean = zip(p[t], dp).reduce(0) { $0 + $1.0 * $1.1 }
                for s in 0...t {
                    let dScore = p[t][s] * (dp[s] - mean) * scale
                    for j in columns {
                        dv[s][j] += p[t][s] * dOut[t][j]
                        dq[t][j] += dScore * k[s][j]
                        dk[s][j] += dScore * q[t][j]
                    }
                }
            }
        }
        return (dq, dk, dv)
    }

    static func headColumns(_ dim: Int, _ heads: Int) -> [Range<Int>] {
        (0..<heads).map { $0 * (dim / heads)..<($0 + 1) * (dim / heads) }
    }

    // MARK: Softmax cross-entropy with label smoothing

    static func softmax(_ z: [Double]) -> [Double] {
        let top = z.max()!
        let e = z.map { exp($0 - top) }
        let sum = e.reduce(0, +)
        return e.map { $0 / sum }
    }

    /// Answers with their shares of 1.
    typealias Answers = [(token: Int, share: Double)]

    /// -Σ target distribution · log softmax.
    static func crossEntropy(_ z: [Double], answers: Answers, smoothing: Double) -> Double {
        let logs = softmax(z).map { log($0) }
        return answers.reduce(0) { $0 - (1 - smoothing) * $1.share * logs[$1.token] }
            - smoothing / Double(z.count) * logs.reduce(0, +)
    }

    static func crossEntropyBackward(_ z: [Double], answers: Answers, smoothing: Double) -> [Double] {
        var dz = softmax(z).map { $0 - smoothing / Double(z.count) }
        for answer in answers { dz[answer.token] -= (1 - smoothing) * answer.share }
        return dz
    }
}
