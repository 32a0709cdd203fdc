"""cifar10-benchmark in PyTorch: `python bench/peers/benchmark.py --data CIFAR10 --limit 10000 --epochs 3`.

SNN-VGG (LIF tau 2, reset by subtraction in the same step, ATan, T = 4, gradients clipped at norm 1) and ANN-VGG: SGD
0.1 with momentum 0.9 and weight decay 5e-4, a cosine over all epochs, batch 128, crop with 4 pixels around, mirrored.
"""

import torch

from checkpoints import lif_node
from image_networks import Relu, Vgg
from image_training import cifar10, options_of, save, train

STEPS = 4
BLOCKS = [[64, 64], [128, 128], [256, 256]]

parser = options_of(__doc__, epochs=3, batch=128, rate=0.1)
parser.add_argument("--networks", default="snn-vgg,ann-vgg", help="snn-vgg, ann-vgg or both with a comma between")
parser.add_argument("--schedule-epochs", type=int, help="epochs of the cosine; those trained by default")
options = parser.parse_args()
torch.set_num_threads(options.threads)
data = cifar10(options.data, options.limit, options.test_limit, options.seed)
for name in options.networks.split(","):
    spiking = {"snn-vgg": True, "ann-vgg": False}[name]
    torch.manual_seed(options.seed)
    network = Vgg(STEPS) if spiking else Vgg(1, Relu)
    optimiser = torch.optim.SGD(network.parameters(), lr=options.lr, momentum=0.9, weight_decay=5e-4)
    epochs = options.schedule_epochs or options.epochs
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    train(name, network, optimiser, data, options, crop=4, clip=1.0 if spiking else 0, schedule=schedule)
    neuron = lif_node(decay_input=False, hard=False, surrogate="atan") if spiking else "relu"
    config = {"kind": "vgg", "blocks": BLOCKS, "hidden": 512, "neuron": neuron, "batchNorm": "joint"}
    save(name, network, config, STEPS if spiking else 1, data, options)
