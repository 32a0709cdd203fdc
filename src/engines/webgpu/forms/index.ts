import type { KernelFunc } from '@tensorflow/tfjs-core';
import { averagePoolGradientKernel, averagePoolKernel } from '../../kernels/average-pool.ts';
import { batchNormGradientKernel, batchNormKernel } from '../../kernels/batch-norm.ts';
import { bernoulliKernel } from '../../kernels/bernoulli.ts';
import { convolutionKernel, filterGradientKernel, inputGradientKernel } from '../../kernels/convolution.ts';
import { crossEntropyKernel } from '../../kernels/cross-entropy.ts';
import { definedElementwise } from '../../kernels/elementwise.ts';
import { type KernelDefinition, type KernelForm, KernelForms } from '../../kernels/kernel.ts';
import { layerNormGradientKernel, layerNormKernel } from '../../kernels/layer-norm.ts';
import { linearGradientKernel, linearKernel } from '../../kernels/linear.ts';
import { maxPoolGradientKernel, maxPoolKernel } from '../../kernels/max-pool.ts';
import { definedNeurons } from '../../kernels/neuron.ts';
import { normalisedLifGradientKernel, normalisedLifKernel } from '../../kernels/normalised-lif.ts';
import { normKernel } from '../../kernels/optimiser-step.ts';
import { scaledSumKernel } from '../../kernels/scaled-sum.ts';
import { spikeProductKernel, spikeProductWeightGradientKernel } from '../../kernels/spike-product.ts';
import type { WebGpuDevice } from '../device.ts';
import { arithmetic, arithmeticKernels } from './arithmetic.ts';
import { batchNormForm, batchNormGradientForm } from './batch-norm.ts';
import { bernoulliForm } from './bernoulli.ts';
import { convolutionForm, filterGradientForm, inputGradientForm } from './convolution.ts';
import { crossEntropyForm } from './cross-entropy.ts';
import { elementwiseForm, elementwiseListForm, Slabs } from './elementwise.ts';
import { layerNormForm, layerNormGradientForm } from './layer-norm.ts';
import { linearForm, linearGradientForm } from './linear.ts';
import { neuronForm, neuronGradientForm } from './neuron.ts';
import { normForm } from './norm.ts';
import { normalisedLifForm, normalisedLifGradientForm } from './normalised-lif.ts';
import { averagePoolForm, averagePoolGradientForm, maxPoolForm, maxPoolGradientForm } from './pooling.ts';
import { repair, withFewerAxes } from './repairs.ts';
import { spikeProductForm, spikeProductWeightGradientForm } from './spike-product.ts';
import { replacements, scaledSumForm } from './sums.ts';

/** Forms after each of which the device may submit. */
class DeviceForms extends KernelForms {
  readonly #device: WebGpuDevice;

  constructor(device: WebGpuDevice) {
    super();
    this.#device = device;
  }

  override add<I extends string, A>(definition: KernelDefinition<I, A>, form: KernelForm<I, A>): void {
    super.add(definition, (inputs, attributes) => {
      const outputs = form(inputs, attributes);
      this.#device.backend.settle();
      return outputs;
    });
  }

  override replace(kernelName: string, make: (original: KernelFunc) => KernelFunc): void {
    super.replace(kernelName, (original) => {
      const kernel = make(original);
      return (call) => {
        const output = kernel(call);
        this.#device.backend.settle();
        return output;
      };
    });
  }
}

/** The kernels of the WebGPU engine. */
export function webgpuForms(device: WebGpuDevice): KernelForms {
  const forms = new DeviceForms(device);
  const slabs = new Slabs(device);
  for (const neuron of definedNeurons()) {
    forms.add(neuron.kernel, neuronForm(device, neuron));
    forms.add(neuron.gradientKernel, neuronGradientForm(device, neuron));
  }
  for (const elementwise of definedElementwise()) {
    forms.add(elementwise.kernel, elementwiseForm(device, elementwise));
    forms.add(elementwise.listKernel, elementwiseListForm(device, slabs, elementwise));
  }
  forms.add(normKernel, normForm(device, slabs));
  forms.add(normalisedLifKernel, normalisedLifForm(device));
  forms.add(normalisedLifGradientKernel, normalisedLifGradientForm(device));
  forms.add(batchNormKernel, batchNormForm(device));
  forms.add(batchNormGradientKernel, batchNormGradientForm(device));
  forms.add(convolutionKernel, convolutionForm(device));
  forms.add(inputGradientKernel, inputGradientForm(device));
  forms.add(filterGradientKernel, filterGradientForm(device));
  forms.add(averagePoolKernel, averagePoolForm(device));
  forms.add(averagePoolGradientKernel, averagePoolGradientForm(device));
  forms.add(maxPoolKernel, maxPoolForm(device));
  forms.add(maxPoolGradientKernel, maxPoolGradientForm(device));
  forms.add(crossEntropyKernel, crossEntropyForm(device));
  forms.add(bernoulliKernel, bernoulliForm(device));
  forms.add(layerNormKernel, layerNormForm(device));
  forms.add(layerNormGradientKernel, layerNormGradientForm(device));
  forms.add(linearKernel, linearForm(device));
  forms.add(linearGradientKernel, linearGradientForm(device));
  forms.add(scaledSumKernel, scaledSumForm(device));
  forms.add(spikeProductKernel, spikeProductForm(device));
  forms.add(spikeProductWeightGradientKernel, spikeProductWeightGradientForm(device));
  repair(forms, device);
  for (const name of arithmeticKernels) {
    forms.replace(name, (original) => arithmetic(device, name, withFewerAxes(device, name, original)));
  }
  for (const [name, make] of Object.entries(replacements)) {
    forms.replace(name, (original) => make(device, original));
  }
  return forms;
}
