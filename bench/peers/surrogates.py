"""cifar10-surrogates in PyTorch: `python bench/peers/surrogates.py --data CIFAR10 [--surrogate NAME,…] [--epochs N]`.

The same network once for every surrogate, from the same weights and in the same order of images: SpikingJelly's LIF
written out, T = 8, Adam 1e-3, batch 64, mirrored at random.
"""

import torch

from checkpoints import lif_node
from image_networks import Csnn, Esser, Neurons, SigmoidPrime, SuperSpike, hard_lif
from image_training import cifar10, options_of, save, train

STEPS = 8
SURROGATES = {"super-spike": SuperSpike, "sigmoid-prime": SigmoidPrime, "esser": Esser}

parser = options_of(__doc__, epochs=10, batch=64, rate=1e-3)
parser.add_argument("--surrogate", default=",".join(SURROGATES), help="surrogates with commas between")
options = parser.parse_args()
torch.set_num_threads(options.threads)
data = cifar10(options.data, options.limit, options.test_limit, options.seed)
for name in options.surrogate.split(","):
    spike_of = SURROGATES[name]
    torch.manual_seed(options.seed)
    network = Csnn(STEPS, lambda: Neurons(lambda x, v: hard_lif(x, v, spike_of)))
    train(name, network, torch.optim.Adam(network.parameters(), lr=options.lr), data, options)
    neuron = lif_node(decay_input=True, hard=True, surrogate=name)
    save(name, network, {"kind": "csnn", "channels": [32, 64], "hidden": 128, "neuron": neuron}, STEPS, data, options)
